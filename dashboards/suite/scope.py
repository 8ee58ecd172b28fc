"""Which targets the suite page looks at."""

from __future__ import annotations

from dashboards.promql import Match, Scope, one_of

__all__ = ["ALERTMANAGER", "ALERTS", "ANY_EXPORTER", "CHOSEN_EXPORTER", "EXPORTERS", "EXPORTER_JOBS", "PROMETHEUS"]

EXPORTER_JOBS = "agent-obs-.+"
"""Regular expression of the jobs of all exporters."""

_CLUSTER = ("cluster", one_of("$cluster"))
_JOB = ("job", one_of("$job"))

ANY_EXPORTER = Scope((("job", one_of(EXPORTER_JOBS)), _CLUSTER))
CHOSEN_EXPORTER = Scope((_JOB, _CLUSTER))
EXPORTERS = Scope((_JOB, _CLUSTER, ("instance", one_of("$instance"))))
PROMETHEUS = Scope((("job", Match("=", "prometheus")), _CLUSTER))
ALERTMANAGER = Scope((("job", Match("=", "alertmanager")), _CLUSTER))
ALERTS = Scope((_CLUSTER,))
