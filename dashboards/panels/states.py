"""States over time: one band per series."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel

__all__ = ["States"]


@attr.s(auto_attribs=True, kw_only=True)
class States(DataPanel):
    """Bands whose colour and word come from `thresholds`."""

    type: ClassVar[str] = "state-timeline"

    width: int = 12
    height: int = 8

    def options(self) -> dict[str, Any]:
        return {
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        }

    def defaults(self) -> dict[str, Any]:
        return {"custom": {"fillOpacity": 60, "lineWidth": 0}, "mappings": self.thresholds.mappings()}
