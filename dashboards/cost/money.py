"""A pie of money."""

from __future__ import annotations

from typing import Any

import attr

from dashboards.panels import Pie

__all__ = ["MoneyPie"]


@attr.s(auto_attribs=True, kw_only=True)
class MoneyPie(Pie):
    """With cents: at first a day costs no more than some."""

    def defaults(self) -> dict[str, Any]:
        return super().defaults() | {"decimals": 2}
