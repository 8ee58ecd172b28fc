"""Bars: one per series, for comparing the last values of many things of one kind."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel

__all__ = ["Bars"]


@attr.s(auto_attribs=True, kw_only=True)
class Bars(DataPanel):
    """Horizontal bars, each with its name and value: of shares (0 to 1), or of anything else the longest full."""

    type: ClassVar[str] = "bargauge"

    width: int = 8
    height: int = 8
    share: bool = True

    def options(self) -> dict[str, Any]:
        return {
            "displayMode": "basic",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showUnfilled": True,
            "valueMode": "color",
        }

    def defaults(self) -> dict[str, Any]:
        return {"min": 0, "max": 1} if self.share else {"min": 0}
