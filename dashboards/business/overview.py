"""Days, users, projects, in one screen."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Column, Query, Table, TimeSeries, cells
from dashboards.platform import ENDED_BADLY, PLATFORM, SESSIONS, success_rate
from dashboards.promql import Expr, aggregate, topk
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_PROJECT = ("project",)
_TOP = 10
_WINDOWS = {"24h": "in 24 hours", "7d": "in 7 days", "30d": "in 30 days"}


def row() -> Row:
    """Sessions and success of a day, active users, the busiest projects, all projects in 24 hours."""
    ended = "vteam:sessions_ended:increase1d"
    ends = {
        "completed": SESSIONS.recorded(ended, phase="completed"),
        "failed": SESSIONS.recorded(ended, phase=ENDED_BADLY),
    }
    busiest = aggregate("sum", SESSIONS.increase("vteam_sessions_created_total", "$__range"), _PROJECT)
    low = alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h")
    return Row(
        "Usage",
        [
            TimeSeries(
                title="Sessions of 24 hours",
                queries=[
                    Query(aggregate("sum", SESSIONS.recorded("vteam:sessions_created:increase1d")), "created"),
                    *(Query(aggregate("sum", expr), words) for words, expr in ends.items()),
                ],
                description="Sessions created and ended within the 24 hours before. Growth of 15 % a month is the "
                "goal; a step down that stays is a team that left.",
            ),
            TimeSeries(
                title="Success rate of 24 hours",
                queries=[Query(success_rate("1d"), "completed", empty=Empty.QUIET)],
                description="Completed sessions of those that finished within 24 hours before. A fall that lasts costs "
                "trust: find its first day, and what was rolled out then.",
                thresholds=low,
                share=True,
            ),
            TimeSeries(
                title="Active users (all projects)",
                queries=[
                    Query(aggregate("sum", PLATFORM.gauge("vteam_users", segment="active", window=window)), words)
                    for window, words in _WINDOWS.items()
                ],
                description="Distinct users with a session in each window. Many in 30 days and few in 24 hours: they "
                "try it and do not make it a habit.",
            ),
            Bars(
                title="Busiest projects",
                queries=[Query(topk(_TOP, busiest.rounded()), "{{project}}", instant=True)],
                description="Sessions created within the time chosen above, in the projects with most of them. Ask "
                "these what they would miss, and the others what keeps them away.",
                share=False,
            ),
            Table(
                title="Projects, the last 24 hours",
                queries=[
                    cells(_sum(SESSIONS.recorded("vteam:sessions_created:increase1d")).rounded()),
                    cells(_sum(SESSIONS.recorded("vteam:active_sessions:current"))),
                    cells(_sum(ends["completed"]).rounded()),
                    cells(_sum(ends["failed"]).rounded()),
                    cells(success_rate("1d", _PROJECT), Empty.QUIET),
                    cells(SESSIONS.mean("vteam_session_duration_seconds", "1d", _PROJECT), Empty.QUIET),
                ],
                columns=(
                    Column("project", "Project"),
                    Column("A", "Created", unit="short"),
                    Column("B", "Active now", unit="short"),
                    Column("C", "Completed", unit="short"),
                    Column("D", "Failed", unit="short"),
                    Column("E", "Success rate", unit="percentunit"),
                    Column("F", "Mean duration", unit="s"),
                ),
                sort="Created",
                descending=True,
                description="What each project did in 24 hours. Many sessions and little success: offer help before "
                "they give up; the link leads on to how they use it.",
                width=16,
            ),
        ],
        collapsed=False,
    )


def _sum(expr: Expr) -> Expr:
    return aggregate("sum", expr, _PROJECT)
