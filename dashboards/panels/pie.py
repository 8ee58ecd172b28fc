"""Shares of a whole: one slice per query or series."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel, by_query, fixed
from dashboards.theme import SERIES

__all__ = ["Pie"]


@attr.s(auto_attribs=True, kw_only=True)
class Pie(DataPanel):
    """A ring of last values, with a legend that gives name, value and share: no slice is told by its colour alone."""

    type: ClassVar[str] = "piechart"

    width: int = 8
    height: int = 8

    def options(self) -> dict[str, Any]:
        return {
            "displayLabels": ["name", "percent"],
            "legend": {
                "displayMode": "table",
                "placement": "right",
                "showLegend": True,
                "values": ["value", "percent"],
            },
            "pieType": "donut",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "tooltip": {"mode": "single", "sort": "none"},
        }

    def defaults(self) -> dict[str, Any]:
        return {"color": {"mode": "palette-classic-by-name"}, "decimals": 0}

    def overrides(self) -> list[dict[str, Any]]:
        if len(self.queries) == 1:
            return []
        refs = [chr(ord("A") + index) for index in range(len(self.queries))]
        return [by_query(ref, color=fixed(colour)) for ref, colour in zip(refs, SERIES, strict=False)]
