"""The sessions page: what sessions do, what they wait for, how they end, and each of them by name."""

from __future__ import annotations

from dashboards.page import Page
from dashboards.platform import ALERTS, variables
from dashboards.sessions import cards, exporter, outcomes, overview, phases, queue, reported, runtime, single

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-sessions`."""
    return Page(
        uid="agentobs-sessions",
        title="Sessions",
        description="What are the sessions doing, what do they wait for, and why do they fail?",
        variables=variables(),
        cards=cards.cards(),
        rows=(
            overview.row(),
            single.row(),
            queue.row(),
            runtime.row(),
            outcomes.row(),
            phases.row(),
            reported.row(),
            exporter.row(),
        ),
        next_page=("agentobs-operations", "Is the platform well?"),
        alerts=ALERTS,
        time="now-6h",
        refresh="10s",
    )
