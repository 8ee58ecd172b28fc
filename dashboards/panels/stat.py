"""Numbers in large type: the cards of a page's first row."""

from __future__ import annotations

from typing import Any, ClassVar

import attr

from dashboards.optional import Empty
from dashboards.panels.base import DataPanel, Query, by_query, fixed
from dashboards.promql import Expr
from dashboards.theme import Colour
from dashboards.thresholds import NEUTRAL, Thresholds

__all__ = ["Card", "Stat"]


@attr.s(auto_attribs=True, kw_only=True)
class Stat(DataPanel):
    """The last value of each query, one below the other, each with its name; range queries with a sparkline."""

    type: ClassVar[str] = "stat"

    width: int = 4
    height: int = 5

    def options(self) -> dict[str, Any]:
        return {
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name",
        }


@attr.s(auto_attribs=True, kw_only=True)
class _Card(Stat):
    def overrides(self) -> list[dict[str, Any]]:
        yesterday = by_query("B", color=fixed(Colour.MUTED))
        state = by_query("C", mappings=self.thresholds.mappings())
        return [yesterday, state] if self.thresholds.steps else [yesterday]


def Card(  # noqa: N802
    *, title: str, expr: Expr, description: str, thresholds: Thresholds = NEUTRAL, empty: Empty | None = None
) -> Stat:
    """One value now, with its sparkline, 24 hours ago, and, where an alert judges it, its state in a word."""
    queries = [Query(expr, "now", empty=empty), Query(expr.day_before(), "24 h ago", instant=True, empty=empty)]
    if thresholds.steps:
        queries.append(Query(expr, "state", instant=True, empty=empty))
    return _Card(title=title, queries=queries, description=description, thresholds=thresholds)
