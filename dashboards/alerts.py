"""Panels about firing alerts, shared by pages."""

from __future__ import annotations

from typing import Any

import attr

from dashboards.optional import Empty
from dashboards.panels import Column, Query, Stat, Table, cells
from dashboards.panels.base import by_query
from dashboards.promql import Scope, aggregate, one_of
from dashboards.theme import State
from dashboards.thresholds import Thresholds

__all__ = ["firing_card", "firing_table", "recent_table"]

_SEVERITIES = {"critical": State.CRIT, "warning": State.WARN}
_SEVERITY_WORDS = {name: (f"{state.text[0]} {name}", state.colour) for name, state in _SEVERITIES.items()}


@attr.s(auto_attribs=True, kw_only=True)
class _FiringCard(Stat):
    def overrides(self) -> list[dict[str, Any]]:
        steps = (Thresholds(State.OK, ((1, state),), ()).json() for state in _SEVERITIES.values())
        return [by_query(ref, thresholds=thresholds) for ref, thresholds in zip("AB", steps, strict=True)]


def firing_card(scope: Scope) -> Stat:
    """How many alerts fire, by severity."""
    counts = {
        severity: aggregate("count", scope.gauge("ALERTS", alertstate="firing", severity=severity)).or_zero()
        for severity in _SEVERITIES
    }
    return _FiringCard(
        title="Alerts firing",
        queries=[Query(expr, severity) for severity, expr in counts.items()],
        description="Alerts firing now, by severity. The suite page lists them by name; each has a runbook.",
    )


def firing_table(scope: Scope) -> Table:
    """Every firing alert by name, grouped by severity, critical first."""
    firing = aggregate(
        "count", scope.gauge("ALERTS", alertstate="firing"), ("severity", "alertname", "job", "instance")
    )
    return Table(
        title="Firing alerts",
        queries=[Query(firing, "", instant=True, format="table")],
        columns=(
            Column("severity", "Severity"),
            Column("alertname", "Alert"),
            Column("job", "Job"),
            Column("instance", "Instance"),
            Column("A", "Series"),
        ),
        sort="Severity",
        description="What fires now. Open the alert's runbook, docs/runbooks/<Alert>.md. Watchdog always fires: "
        "without it here, Prometheus does not evaluate the suite's rules.",
    )


def recent_table(scope: Scope) -> Table:
    """Every alert that fired within the time shown, the latest first."""
    by = ("severity", "alertname", "project", "component", "instance")
    firing = {"alertstate": "firing", "severity": one_of(*_SEVERITIES)}
    last = aggregate("max", scope.last_seen("ALERTS", "$__range", **firing), by)
    return Table(
        title="Recent alerts",
        queries=[
            cells(last.age(), Empty.QUIET),
            cells(aggregate("max", scope.minutes("ALERTS", "$__range", **firing), by), Empty.QUIET),
        ],
        columns=(
            Column("A", "Last fired ago", unit="dtdurations"),
            Column("severity", "Severity", words=_SEVERITY_WORDS),
            Column("alertname", "Alert"),
            Column("project", "Project"),
            Column("component", "Component"),
            Column("instance", "Instance"),
            Column("B", "Fired for", unit="m"),
        ),
        sort="Last fired ago",
        description="Alerts that fired within the time chosen above; less than a minute ago: still firing. Open the "
        "alert's runbook, docs/runbooks/<Alert>.md, and look at what changed just before it began.",
    )
