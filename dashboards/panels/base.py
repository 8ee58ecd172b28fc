"""What all panels share, and the place where grafanalib's panel and query defaults are corrected.

grafanalib 0.7.1 writes keys that Grafana dropped long ago, nulls, 100 data points and a doubled query step. Classic
dashboard JSON: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attr
from grafanalib.core import Panel, Target

from agent_observability.registry import CATALOGUE
from dashboards.optional import OPTIONAL, Empty
from dashboards.promql import Expr
from dashboards.theme import NO_DATA, Colour
from dashboards.thresholds import NEUTRAL, Thresholds

__all__ = ["DATASOURCE", "DataPanel", "Query", "link_to", "prune"]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# A panel's width in pixels is what Grafana asks for otherwise; more points than that cannot be seen.
_MAX_DATA_POINTS = 1000

_PANEL_KEYS = (
    "datasource", "description", "fieldConfig", "gridPos", "id", "interval", "maxDataPoints", "options", "targets",
    "title", "transformations", "type",
)  # fmt: skip


def prune(value: Any) -> Any:
    """The value as plain JSON data, grafanalib objects rendered, without nulls."""
    if hasattr(value, "to_json_data"):
        return prune(value.to_json_data())
    if isinstance(value, Mapping):
        return {key: prune(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [prune(item) for item in value]
    return value


def link_to(uid: str, title: str) -> dict[str, Any]:
    """A data link to another dashboard that keeps the time range and every variable."""
    return {"title": title, "url": f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}", "targetBlank": False}


@attr.s(auto_attribs=True, frozen=True)
class Query:
    """One query of a panel. `legend` is a Grafana legend format; `instant` asks for the last value only.

    `empty` is why it may find nothing although the series are there.
    """

    expr: Expr
    legend: str
    instant: bool = False
    format: str = "time_series"
    empty: Empty | None = None

    def target(self, ref: str) -> dict[str, Any]:
        """Grafana's form; `ref` names the query within its panel."""
        known = Target(
            expr=self.expr.text, legendFormat=self.legend, refId=ref, format=self.format, instant=self.instant,
            datasource=DATASOURCE,
        ).to_json_data()  # fmt: skip
        kept = {key: known[key] for key in ("datasource", "expr", "format", "instant", "legendFormat", "refId")}
        return kept | {"range": not self.instant, "editorMode": "code"}


@attr.s(auto_attribs=True, kw_only=True)
class DataPanel(Panel, abc.ABC):
    """A panel that shows metrics. `width` and `height` in grid units (24 to a row, 30 pixels high).

    `description` says what the panel shows and what to do about it; the metrics it reads, the alerts its thresholds
    come from and why it may be empty are added. `links` are set by the page. `interval` is the least time between two
    points, such as "1d" for bars of a day each.
    """

    type: ClassVar[str]

    queries: Sequence[Query]
    title: str
    description: str
    width: int
    height: int
    unit: str | None = None
    thresholds: Thresholds = NEUTRAL
    mappings: Sequence[dict[str, Any]] = ()

    @property
    def families(self) -> frozenset[str]:
        """The names of the series the panel needs."""
        return frozenset[str]().union(*(query.expr.families for query in self.queries))

    @property
    def reasons(self) -> list[str]:
        """Why it may be empty."""
        missing = {OPTIONAL[name] for name in self.families & OPTIONAL.keys()}
        found = missing | {query.empty.value for query in self.queries if query.empty}
        # Grafana asks at whole intervals, the first of which has to pass before there is anything to show.
        if self.interval and self.interval[-1] in "hd":
            found.add(Empty.TOO_YOUNG.value)
        return sorted(found)

    @abc.abstractmethod
    def options(self) -> dict[str, Any]:
        """The visualisation's own options."""

    def defaults(self) -> dict[str, Any]:
        """What the visualisation adds to the settings of all fields."""
        return {}

    def overrides(self) -> list[dict[str, Any]]:
        """Settings of single fields."""
        return []

    def full_description(self) -> str:
        """The description with what follows from the queries and thresholds."""
        parts = [self.description]
        if self.thresholds.alerts:
            parts.append("Thresholds are those of " + ", ".join(self.thresholds.alerts) + ".")
        if self.reasons:
            parts.append(f"May be empty: {'; '.join(self.reasons)}.")
        helps = [f"- `{name}`: {CATALOGUE[name].help}" for name in sorted(self.families & CATALOGUE.keys())]
        if helps:
            parts.append("Reads:\n" + "\n".join(helps))
        return "\n\n".join(parts)

    def to_json_data(self) -> dict[str, Any]:
        settings = {
            "color": {"mode": "thresholds"},
            "links": list(self.links),
            "mappings": list(self.mappings),
            "noValue": "nothing to show here" if self.reasons else NO_DATA,
            "thresholds": self.thresholds.json(),
            "unit": self.unit or self.queries[0].expr.unit,
        } | self.defaults()
        panel = self.panel_json(
            {
                "datasource": DATASOURCE,
                "description": self.full_description(),
                "fieldConfig": {"defaults": settings, "overrides": self.overrides()},
                "maxDataPoints": _MAX_DATA_POINTS,
                "options": self.options(),
                "targets": [query.target(chr(ord("A") + index)) for index, query in enumerate(self.queries)],
                "type": self.type,
            }
        )
        return {key: panel[key] for key in _PANEL_KEYS}


def by_query(ref: str, **properties: Any) -> dict[str, Any]:
    """An override of all fields of one query."""
    return {"matcher": {"id": "byFrameRefID", "options": ref}, "properties": _properties(properties)}


def by_name(name: str, **properties: Any) -> dict[str, Any]:
    """An override of the field called `name`."""
    return {"matcher": {"id": "byName", "options": name}, "properties": _properties(properties)}


def fixed(colour: str | Colour) -> dict[str, Any]:
    """A field's colour that no value changes."""
    return {"mode": "fixed", "fixedColor": str(colour)}


def _properties(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
