"""Distributions over time, and how much many things are in use."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel
from dashboards.theme import Colour

__all__ = ["Heatmap"]


@attr.s(auto_attribs=True, kw_only=True)
class Heatmap(DataPanel):
    """A histogram's buckets over time: format `heatmap`, legend `{{le}}`; `unit` is that of the edges.

    With `share` each series is a row of its own, its shares (0 to 1) the colour; `unit` is theirs.
    """

    type: ClassVar[str] = "heatmap"

    width: int = 12
    height: int = 8
    share: bool = False

    def options(self) -> dict[str, Any]:
        return {
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": self.unit if self.share else "short"},
            "color": {
                **({"min": 0, "max": 1} if self.share else {}),
                "exponent": 1 if self.share else 0.5,
                "fill": Colour.VIOLET,
                "mode": "scheme",
                "reverse": True,
                "scale": "exponential",
                # Viridis keeps its order for every kind of colour vision.
                "scheme": "Viridis",
                "steps": 64,
            },
            "exemplars": {"color": Colour.YELLOW},
            # An empty bucket is no colour; a machine at rest is one.
            "filterValues": {"le": -1 if self.share else 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "short" if self.share else self.unit},
        }
