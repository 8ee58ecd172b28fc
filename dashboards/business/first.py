"""The first success of new projects."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import median, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_FIRST = "vteam_project_time_to_first_completion_seconds"
_YOUNG = 7 * 86_400


def row() -> Row:
    """How long it took, and who still waits for it."""
    took = SESSIONS.gauge(_FIRST)
    created = SESSIONS.gauge("vteam_project_created_timestamp_seconds")
    waiting = created.age().below(_YOUNG).unless(took, on=("cluster", "project"))
    late = alert_thresholds("ProjectFirstCompletionLate", _FIRST)
    return Row(
        "First completed session",
        [
            Bars(
                title="Time to first completion, slowest projects",
                queries=[Query(topk(MAX_SERIES, took), "{{project}}", instant=True)],
                description="From a project's creation to the end of its first completed session. Ask the slowest what "
                "held them up: documentation, secrets, or the first prompt.",
                thresholds=late,
                share=False,
            ),
            Bars(
                title="New projects that wait for it",
                queries=[
                    Query(topk(MAX_SERIES, waiting.as_unit("s")), "{{project}}", instant=True, empty=Empty.ALL_DONE)
                ],
                description="Projects younger than a week without a completed session, by their age. Help them today: "
                "who sees no result in the first hours seldom comes back.",
                thresholds=late,
                share=False,
            ),
            TimeSeries(
                title="Median time to first completion",
                queries=[Query(median(took), "median")],
                description="Over all projects there are. It falls slowly when getting started becomes easier; compare "
                "it before and after you change the introduction.",
                thresholds=late,
            ),
        ],
    )
