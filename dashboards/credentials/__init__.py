"""The credentials page: who asks for what, who is refused, what looks like an attack, and whether all of it is seen."""

from __future__ import annotations

from dashboards.credentials import anomalies, cards, containers, latency, log, overview, probes, services
from dashboards.credentials.scope import ALERTS, ANY_PROXY
from dashboards.page import Page, cluster_variable, query_variable

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-credentials`."""
    return Page(
        uid="agentobs-credentials",
        title="Credentials",
        description="Who asks the credential proxy for what, what is refused, and does anything look like an attack?",
        variables=(
            cluster_variable(),
            query_variable("instance", "Proxy's exporter", ANY_PROXY.gauge("up")),
        ),
        cards=cards.cards(),
        rows=(
            overview.row(),
            anomalies.row(),
            services.row(),
            containers.row(),
            latency.row(),
            probes.row(),
            log.row(),
        ),
        next_page=("agentobs-sessions", "What the sessions are doing"),
        alerts=ALERTS,
        time="now-6h",
        refresh="10s",
    )
