"""A dashboard page: variables, annotations, links, layout, and grafanalib's corrected dashboard defaults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import attr
from grafanalib.core import Annotations, Dashboard, GridPos, RowPanel, Template, Templating, Time

from agent_observability.registry import BY_NAME
from dashboards.panels import DATASOURCE, DataPanel, link_to, prune
from dashboards.promql import Expr, Match, Scope, one_of
from dashboards.theme import Colour

__all__ = ["COLUMNS", "SCHEMA_VERSION", "TAG", "Page", "Row", "cluster_variable", "query_variable"]

TAG = "agent-observability"
COLUMNS = 24
SCHEMA_VERSION = 39
"""Grafana 11's. Later versions read it and change nothing; a higher one would be unknown to it."""

_DASHBOARD_KEYS = (
    "annotations", "description", "editable", "graphTooltip", "links", "panels", "refresh", "schemaVersion", "tags",
    "templating", "time", "timezone", "title", "uid",
)  # fmt: skip
_SHARED_CROSSHAIR = 1
_COMPONENTS = Scope((("job", Match("=", BY_NAME["cr_state"].job)), ("cluster", one_of("$cluster"))))


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels. Detail rows are collapsed: they load nothing until opened."""

    title: str
    panels: Sequence[DataPanel]
    collapsed: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard. `cards` stand above all rows. `next_page` is the uid and title that values link to.

    `alerts` selects the firing alerts drawn as annotations; `time` is how far back the page looks at first, `refresh`
    how often it asks again.
    """

    uid: str
    title: str
    description: str
    variables: Sequence[dict[str, Any]]
    cards: Sequence[DataPanel]
    rows: Sequence[Row]
    next_page: tuple[str, str]
    alerts: Scope
    time: str
    refresh: str

    def panels(self) -> Iterable[DataPanel]:
        """Every panel, in reading order."""
        yield from self.cards
        for row in self.rows:
            yield from row.panels

    def json(self) -> dict[str, Any]:
        """The page as Grafana loads it."""
        dashboard = Dashboard(
            title=self.title,
            uid=self.uid,
            description=self.description,
            annotations=Annotations(list=self._annotations()),
            editable=False,
            graphTooltip=_SHARED_CROSSHAIR,
            links=[_suite_menu()],
            panels=self._grid(),
            refresh=self.refresh,
            schemaVersion=SCHEMA_VERSION,
            tags=[TAG],
            templating=Templating(list=[_datasource_variable(), *self.variables]),
            time=Time(self.time, "now"),
            timezone="browser",
        ).auto_panel_ids()
        known = dashboard.to_json_data()
        page: dict[str, Any] = prune({key: known[key] for key in _DASHBOARD_KEYS})
        return page

    def _grid(self) -> list[Any]:
        link = link_to(*self.next_page)
        grid, y = _flow(self.cards, 0, link)
        for row in self.rows:
            head = _RowHead(title=row.title, collapsed=row.collapsed, gridPos=GridPos(h=1, w=COLUMNS, x=0, y=y))
            placed, end = _flow(row.panels, y + 1, link)
            grid += [attr.evolve(head, panels=placed)] if row.collapsed else [head, *placed]
            y = y + 1 if row.collapsed else end
        return grid

    def _annotations(self) -> list[dict[str, Any]]:
        firing = self.alerts.gauge("ALERTS", alertstate="firing", severity=one_of("warning", "critical"))
        rollouts = _COMPONENTS.gauge("vteam_component_generation").rises()
        return [
            {
                "builtIn": 1,
                "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                "enable": True,
                "hide": True,
                "iconColor": Colour.BLUE,
                "name": "Annotations",
                "type": "dashboard",
            },
            _annotation("Firing alerts", firing.text, Colour.RED, "{{alertname}}", "{{severity}}"),
            _annotation("Rollouts", rollouts.text, Colour.BLUE, "{{component}}", "rolled out"),
        ]


@attr.s
class _RowHead(RowPanel):
    def to_json_data(self) -> dict[str, Any]:
        known = super().to_json_data()
        return {key: known[key] for key in ("collapsed", "gridPos", "id", "panels", "title", "type")}


def _flow(panels: Sequence[DataPanel], y: int, link: dict[str, Any]) -> tuple[list[DataPanel], int]:
    """The panels placed left to right, wrapped at the grid's width, and the first free line below them."""
    placed = []
    x = tallest = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        position = GridPos(h=panel.height, w=panel.width, x=x, y=y)
        placed.append(attr.evolve(panel, gridPos=position, links=[link]))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return placed, y + tallest


def _annotation(name: str, expr: str, colour: Colour, title: str, text: str) -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": expr,
        "iconColor": colour,
        "name": name,
        "step": "60s",
        "textFormat": text,
        "titleFormat": title,
    }


def _suite_menu() -> dict[str, Any]:
    return {
        "asDropdown": True,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "Agent Observability",
        "tooltip": "All pages of the suite",
        "type": "dashboards",
        "url": "",
    }


def _variable(template: Template) -> dict[str, Any]:
    known = template.to_json_data()
    dropped = {"auto", "auto_count", "auto_min", "tagValuesQuery", "tagsQuery", "useTags"}
    return {key: value for key, value in known.items() if key not in dropped}


def _datasource_variable() -> dict[str, Any]:
    template = Template(name="datasource", label="Data source", type="datasource", query="prometheus", regex="")
    return _variable(template) | {"current": {"text": "Prometheus", "value": "prometheus"}}


def query_variable(name: str, label: str, series: Expr, *, all_value: str = ".*") -> dict[str, Any]:
    """Chooses among the values of the label `name` of some series.

    "All" is preset and stands for the regular expression `all_value`.
    """
    query = f"label_values({series.text}, {name})"
    template = Template(
        name=name,
        label=label,
        query={"query": query, "refId": name},
        dataSource=DATASOURCE,
        includeAll=True,
        allValue=all_value,
        multi=True,
        regex="",
    )
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return _variable(template) | {"current": everything, "definition": query}


def cluster_variable() -> dict[str, Any]:
    """Chooses among clusters that send to one store; with a single Prometheus it only offers "All"."""
    return query_variable("cluster", "Cluster", Scope(()).gauge("up"))
