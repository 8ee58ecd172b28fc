"""The business page: who uses the platform, how much, with what success, and how soon new projects get there."""

from __future__ import annotations

from dashboards.business import cards, ends, first, overview, trends
from dashboards.page import Page
from dashboards.platform import ALERTS, variables

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-business`."""
    return Page(
        uid="agentobs-business",
        title="Business",
        description="How many people and projects use the platform, do their sessions succeed, and is it growing?",
        variables=variables(),
        cards=cards.cards(),
        rows=(overview.row(), trends.row(), first.row(), ends.row()),
        next_page=("agentobs-adoption", "How the platform is used"),
        alerts=ALERTS,
        time="now-30d",
        refresh="30s",
    )
