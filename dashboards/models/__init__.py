"""The models page: how well each model works, how fast, and what for how much."""

from __future__ import annotations

from dashboards.llm import ALERTS, PROVIDERS, provider_variable
from dashboards.models import agents, cards, cost, errors, latency, overview, tokens, traffic
from dashboards.page import Page, cluster_variable, query_variable

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-models`."""
    return Page(
        uid="agentobs-models",
        title="Models",
        description="Which model answers reliably, how fast is it, and what do its calls and tokens cost?",
        variables=(
            cluster_variable(),
            provider_variable(),
            query_variable("model", "Model", PROVIDERS.gauge("llm_requests_total")),
        ),
        cards=cards.cards(),
        rows=(
            overview.row(),
            latency.row(),
            errors.row(),
            traffic.row(),
            tokens.row(),
            cost.row(),
            agents.row(),
        ),
        next_page=("agentobs-sessions", "What the sessions are doing"),
        alerts=ALERTS,
        time="now-24h",
        refresh="30s",
    )
