"""Which targets the suite page looks at."""

from __future__ import annotations

from dashboards.promql import Match, Scope, one_of

__all__ = ["ALERTMANAGER", "ALERTS", "ALL_EXPORTERS", "EXPORTERS", "PROMETHEUS"]

_CLUSTER = ("cluster", one_of("$cluster"))

ALL_EXPORTERS = "agent-obs-.+"
"""Regular expression of the jobs of all exporters."""

EXPORTERS = Scope((("job", one_of("$job")), _CLUSTER, ("instance", one_of("$instance"))))
PROMETHEUS = Scope((("job", Match("=", "prometheus")), _CLUSTER))
ALERTMANAGER = Scope((("job", Match("=", "alertmanager")), _CLUSTER))
ALERTS = Scope((_CLUSTER,))
