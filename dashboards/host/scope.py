"""Which targets the host page looks at."""

from __future__ import annotations

from agent_observability.registry import BY_NAME
from dashboards.promql import Match, Scope, one_of

__all__ = ["ALERTS", "HOST", "MACHINES"]

_CLUSTER = ("cluster", one_of("$cluster"))
_INSTANCE = ("instance", one_of("$instance"))
# A node_exporter beside ours exposes the same names: without the job every sum would count twice.
_JOB = ("job", Match("=", BY_NAME["host"].job))

MACHINES = Scope((_JOB, _CLUSTER))
HOST = Scope((_JOB, _CLUSTER, _INSTANCE))
ALERTS = Scope((_CLUSTER, _INSTANCE))
