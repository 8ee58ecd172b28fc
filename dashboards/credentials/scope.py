"""Which series the page about credentials looks at."""

from __future__ import annotations

from agent_observability.registry import BY_NAME
from dashboards.promql import Expr, Match, Scope, one_of

__all__ = ["ALERTS", "ANY_PROXY", "OUTLIER", "PROXY", "anomalies_now", "requests"]

_CLUSTER = ("cluster", one_of("$cluster"))
_JOB = ("job", Match("=", BY_NAME["credential_proxy"].job))

ANY_PROXY = Scope((_JOB, _CLUSTER))
PROXY = Scope((_JOB, _CLUSTER, ("instance", one_of("$instance"))))
"""The proxies chosen at the top: an exporter stands beside each, so its instance says which."""
ALERTS = Scope((_CLUSTER, ("alertname", one_of("CredentialProxy.+"))))
"""Alerts about credentials; those of the machines say nothing here."""

OUTLIER = "rate_outlier"
"""The type of anomaly that is a guess: every stated limit was kept."""


def anomalies_now(**labels: str | Match) -> Expr:
    """Named containers whose anomaly goes on; those whose anomaly is over keep their names for a while."""
    return PROXY.gauge("credential_proxy_container_anomaly_active", **labels).positive()


def requests(**labels: str | Match) -> Expr:
    """Requests of an hour by service and status."""
    return PROXY.recorded("vteam:credential_requests:increase1h", **labels)
