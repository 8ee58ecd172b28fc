"""Trends: is it growing?"""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import PLATFORM, SESSIONS
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_MEAN = "vteam:active_sessions_total:avg1d"
_WINDOWS = {"24h": "in 24 hours", "7d": "in 7 days", "30d": "in 30 days"}


def row() -> Row:
    """Activity against the week before, projects, sessions per day by project."""
    mean = PLATFORM.recorded(_MEAN)
    before = mean.before("1w")
    created = aggregate("sum", SESSIONS.recorded("vteam:sessions_created:increase1d"), ("project",))
    by_mode = {
        mode: SESSIONS.increase("vteam_sessions_created_total", "1d", interactive=interactive)
        for mode, interactive in (("interactive", "true"), ("batch", "false"))
    }
    return Row(
        "Trends",
        [
            TimeSeries(
                title="Active sessions, mean of a day (all projects)",
                queries=[
                    Query(aggregate("sum", mean), "this week"),
                    Query(aggregate("sum", before), "a week before", empty=Empty.TOO_YOUNG),
                ],
                description="How many sessions were active on average over 24 hours, and on the same weekday before. "
                "Lines that part for more than a day: something changed, ask what.",
            ),
            TimeSeries(
                title="Lost against the week before (all projects)",
                queries=[Query(share(before - mean, before), "lost", empty=Empty.TOO_YOUNG)],
                description="By how much a day's mean of active sessions is below that of the week before; nothing is "
                "drawn while it grows. A sudden loss: users cannot start sessions; a slow one: they leave.",
                thresholds=alert_thresholds("SessionActivityDropped", _MEAN),
            ),
            TimeSeries(
                title="Active projects (all projects)",
                queries=[
                    Query(aggregate("sum", PLATFORM.gauge("vteam_projects", segment="active", window=window)), words)
                    for window, words in _WINDOWS.items()
                ],
                description="Projects with a session in each window. Growing with the users: the platform spreads to "
                "new teams; users alone growing: it spreads within them.",
            ),
            TimeSeries(
                title="Sessions in 24 hours, by project",
                queries=[Query(topk(MAX_SERIES, created), "{{project}}")],
                description="Sessions created within 24 hours before, in the projects with most of them. When one "
                "project makes most of a trend, talk to it before you plan with the trend.",
                width=12,
            ),
            TimeSeries(
                title="Sessions per day",
                queries=[Query(aggregate("sum", expr), mode) for mode, expr in by_mode.items()],
                description="Sessions created, one bar for each whole day. Compare weekdays with weekdays: a lower "
                "week after a rollout is worth asking about.",
                width=12,
                stacked=True,
                bars=True,
                interval="1d",
            ),
        ],
    )
