"""The first row: how the platform is used, and by whom."""

from __future__ import annotations

from dashboards.adoption.shares import activation, power, retention
from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel
from dashboards.platform import SESSIONS
from dashboards.promql import Match, aggregate, share

__all__ = ["cards"]


def cards() -> list[DataPanel]:
    """Six shares, each with its goal."""
    interactive, batch_too = (
        aggregate("sum", SESSIONS.increase("vteam_sessions_created_total", "1d", **labels))
        for labels in ({"interactive": "true"}, {})
    )
    several, any_number = (
        aggregate("sum", SESSIONS.increase("vteam_session_repos_total", "1d", **labels))
        for labels in ({"repos": Match("!=", "1")}, {})
    )
    custom, every_model = (
        aggregate("sum", SESSIONS.gauge("vteam_sessions_by_model", **labels)) for labels in ({"custom": "true"}, {})
    )
    return [
        Card(
            title="Power projects (all projects)",
            expr=power("projects"),
            description="Projects with ten and more sessions in 30 days, of those with any. 15 to 25 % is the goal; "
            "fewer: most only try it, so show them what the regulars do.",
            empty=Empty.NOBODY_BEFORE,
        ),
        Card(
            title="Activation (all projects)",
            expr=activation("projects"),
            description="Projects with three and more sessions in their first week, of those that began this week. "
            "More than 40 % is the goal; fewer: the first session disappoints.",
            empty=Empty.NOBODY_NEW,
        ),
        Card(
            title="Retention (all projects)",
            expr=retention("projects"),
            description="Projects active in these 30 days, of those active in the 30 before. More than 90 % is the "
            "goal for regulars; fewer: ask those who left.",
            empty=Empty.NOBODY_BEFORE,
        ),
        Card(
            title="Interactive sessions, 24 h",
            expr=share(interactive, batch_too),
            description="Share of the sessions created in 24 hours that somebody talks with. 40 to 60 % is usual; a "
            "jump deserves a look at who automates what.",
            empty=Empty.QUIET,
        ),
        Card(
            title="Several repositories, 24 h",
            expr=share(several, any_number),
            description="Share of the sessions created in 24 hours that work on more than one repository. 20 % is the "
            "goal; fewer: few know that it is possible.",
            empty=Empty.QUIET,
        ),
        Card(
            title="Custom models, now",
            expr=share(custom, every_model),
            description="Share of the active sessions with a model outside the default ones. 20 to 40 % is usual; "
            "more: a default is out of date, see which model they prefer.",
            empty=Empty.NO_SESSION,
        ),
    ]
