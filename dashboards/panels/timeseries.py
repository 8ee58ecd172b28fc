"""Lines over time."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.panels.base import DataPanel, by_query, fixed
from dashboards.theme import SERIES

__all__ = ["TimeSeries"]


@attr.s(auto_attribs=True, kw_only=True)
class TimeSeries(DataPanel):
    """Lines; `stacked` areas where the parts make a whole. `mirrored` names queries drawn below zero, such as "B".

    `bars` are for counts of periods that do not overlap, with the panel's `interval` as their length.

    Several queries get the palette's colours in order. The series of a single query are any number, so Grafana picks
    their colours by name.
    """

    type: ClassVar[str] = "timeseries"

    width: int = 8
    height: int = 8
    stacked: bool = False
    bars: bool = False
    mirrored: str = ""
    share: bool = False
    """The axis ends at 100 %: for ratios that cannot be more."""

    def options(self) -> dict[str, Any]:
        return {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }

    def defaults(self) -> dict[str, Any]:
        axis = {"min": 0, "max": 1} if self.share else {} if self.mirrored else {"min": 0}
        return {
            "color": {"mode": "palette-classic-by-name"},
            "custom": {
                "axisPlacement": "auto",
                "drawStyle": "bars" if self.bars else "line",
                "fillOpacity": 60 if self.bars else 40 if self.stacked else 10,
                "gradientMode": "none" if self.stacked or self.bars else "opacity",
                "lineInterpolation": "linear",
                "lineWidth": 1 if self.stacked else 2,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
                "thresholdsStyle": {"mode": "dashed" if self.thresholds.steps else "off"},
            },
            **axis,
        }

    def overrides(self) -> list[dict[str, Any]]:
        refs = [chr(ord("A") + index) for index in range(len(self.queries))]
        colours = [by_query(ref, color=fixed(colour)) for ref, colour in zip(refs, SERIES, strict=False)]
        below = [by_query(ref, custom__transform="negative-Y") for ref in self.mirrored]
        return (colours if len(refs) > 1 else []) + below
