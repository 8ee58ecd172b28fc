"""Distributions over time."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel
from dashboards.theme import Colour

__all__ = ["Heatmap"]


@attr.s(auto_attribs=True, kw_only=True)
class Heatmap(DataPanel):
    """A histogram's buckets over time: format `heatmap`, legend `{{le}}`; `unit` is that of the edges."""

    type: ClassVar[str] = "heatmap"

    width: int = 12
    height: int = 8

    def options(self) -> dict[str, Any]:
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "exponent": 0.5,
                "fill": Colour.VIOLET,
                "mode": "scheme",
                "reverse": True,
                "scale": "exponential",
                # Viridis keeps its order for every kind of colour vision.
                "scheme": "Viridis",
                "steps": 64,
            },
            "exemplars": {"color": Colour.YELLOW},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.unit},
        }
