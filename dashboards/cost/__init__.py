"""The cost page: what models cost today, this month and at its end, for what, and whether the bill says the same."""

from __future__ import annotations

from dashboards.cost import (
    billing,
    budgets,
    caches,
    cards,
    exporter,
    hours,
    month,
    overview,
    prices,
    projects,
    units,
)
from dashboards.llm import ALERTS, SUITE, provider_variable
from dashboards.page import Page, cluster_variable, query_variable

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-cost`."""
    return Page(
        uid="agentobs-cost",
        title="Cost",
        description="What do language models cost today and this month, for whom, and is it what providers bill?",
        variables=(
            cluster_variable(),
            query_variable("project", "Project", SUITE.gauge("llm_requests_total")),
            provider_variable(),
        ),
        cards=cards.cards(),
        rows=(
            overview.row(),
            hours.row(),
            month.row(),
            budgets.row(),
            projects.row(),
            units.row(),
            billing.row(),
            prices.row(),
            caches.row(),
            exporter.row(),
        ),
        next_page=("agentobs-models", "How the models perform"),
        alerts=ALERTS,
        time="now-30d",
        refresh="30s",
    )
