"""Gauges: one share on an arc, with the alerts' limits marked on it."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel

__all__ = ["Gauge"]


@attr.s(auto_attribs=True, kw_only=True)
class Gauge(DataPanel):
    """Last values, shares (0 to 1), as arcs. The numbers at the limits say what the colours mean."""

    type: ClassVar[str] = "gauge"

    width: int = 6
    height: int = 8

    def options(self) -> dict[str, Any]:
        return {
            "minVizHeight": 75,
            "minVizWidth": 75,
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showThresholdLabels": True,
            "showThresholdMarkers": True,
            "sizing": "auto",
        }

    def defaults(self) -> dict[str, Any]:
        return {"min": 0, "max": 1}
