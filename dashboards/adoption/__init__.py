"""The adoption page: what of the platform is used, by whom, and whether they stay."""

from __future__ import annotations

from dashboards.adoption import cards, models, overview, requests, segments, workflows
from dashboards.page import Page
from dashboards.platform import ALERTS, variables

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-adoption`."""
    return Page(
        uid="agentobs-adoption",
        title="Adoption",
        description="Which parts of the platform are used, do newcomers become regulars, and do regulars stay?",
        variables=variables(),
        cards=cards.cards(),
        rows=(overview.row(), workflows.row(), segments.row(), requests.row(), models.row()),
        next_page=("agentobs-cost", "What the models cost"),
        alerts=ALERTS,
        time="now-30d",
        refresh="30s",
    )
