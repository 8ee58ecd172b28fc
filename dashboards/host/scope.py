"""Which targets the host page looks at."""

from __future__ import annotations

from agent_observability.registry import BY_NAME
from dashboards.promql import Match, Scope, one_of

__all__ = ["ALERTS", "HOST"]

_CHOSEN = (("cluster", one_of("$cluster")), ("instance", one_of("$instance")))

# A node_exporter beside ours exposes the same names: without the job every sum would count twice.
HOST = Scope((("job", Match("=", BY_NAME["host"].job)), *_CHOSEN))
ALERTS = Scope(_CHOSEN)
