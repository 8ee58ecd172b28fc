"""The operations page: components of the platform, the work they do, what goes wrong, and the machines below."""

from __future__ import annotations

from dashboards.operations import cards, components, durations, errors, jobs, machines, overview, probes
from dashboards.page import Page
from dashboards.platform import ALERTS, variables

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-operations`."""
    return Page(
        uid="agentobs-operations",
        title="Operations",
        description="Is every component of the platform up, does its work get done, and what fired lately?",
        variables=variables(),
        cards=cards.cards(),
        rows=(
            overview.row(),
            components.row(),
            probes.row(),
            jobs.row(),
            errors.row(),
            durations.row(),
            machines.row(),
        ),
        next_page=("agentobs-host", "What the machines are doing"),
        alerts=ALERTS,
        time="now-6h",
        refresh="10s",
    )
