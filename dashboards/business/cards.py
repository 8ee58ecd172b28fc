"""The first row: today against yesterday."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel
from dashboards.platform import PLATFORM, SESSIONS, success_rate
from dashboards.promql import aggregate, median
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]

_FIRST = "vteam_project_time_to_first_completion_seconds"


def cards() -> list[DataPanel]:
    """Six cards: people, sessions, success, projects."""
    return [
        Card(
            title="Active users, 24 h (all projects)",
            expr=aggregate("sum", PLATFORM.gauge("vteam_users", segment="active", window="24h")),
            description="Distinct users who created a session within 24 hours. Fewer than on the same weekday before: "
            "ask whether they have no need, or had a bad experience.",
        ),
        Card(
            title="Sessions today (24 h)",
            expr=aggregate("sum", SESSIONS.recorded("vteam:sessions_created:increase1d")),
            description="Sessions created within the last 24 hours. Compare with the same weekday before; the bars "
            "below have every day.",
        ),
        Card(
            title="Success rate today (24 h)",
            expr=success_rate("1d"),
            description="Completed sessions of those that finished within 24 hours; stopped ones count neither way. "
            "The goal is 85 %: below, see how sessions end.",
            thresholds=alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h"),
            empty=Empty.QUIET,
        ),
        Card(
            title="Active projects, 7 d (all projects)",
            expr=aggregate("sum", PLATFORM.gauge("vteam_projects", segment="active", window="7d")),
            description="Projects with a session within a week. Fewer than the day before: the adoption page tells "
            "whether old ones leave or new ones stay away.",
        ),
        Card(
            title="Active sessions",
            expr=aggregate("sum", SESSIONS.recorded("vteam:active_sessions:current")),
            description="Sessions that have not ended, right now. Far from its usual level: the sessions page says "
            "whether they wait, run or hang.",
        ),
        Card(
            title="Time to first completion",
            expr=median(SESSIONS.gauge(_FIRST)),
            description="Half of the projects had their first completed session sooner after their creation. The goal "
            "is 30 minutes: above it, look at what stops newcomers.",
            thresholds=alert_thresholds("ProjectFirstCompletionLate", _FIRST),
        ),
    ]
