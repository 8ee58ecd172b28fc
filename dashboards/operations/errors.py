"""Session errors: why, how many of all, and where."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import ENDED_BADLY, PLATFORM, SESSIONS
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Shares that alerts judge; success and failures by project."""
    ratio = "vteam:session_outcomes:ratio1h"
    rate = SESSIONS.recorded("vteam:session_completion_rate:1h")
    failed = aggregate("sum", SESSIONS.recorded("vteam:sessions_ended:increase1h", phase=ENDED_BADLY), ("project",))
    return Row(
        "Session errors",
        [
            TimeSeries(
                title="Reason unknown (all projects)",
                queries=[Query(PLATFORM.recorded(ratio, reason="unknown"), "unknown", empty=Empty.QUIET)],
                description="Share of the sessions that ended within an hour for no reason that is understood. Read "
                "the messages of some in the session table, and teach the exporter the new wording.",
                thresholds=alert_thresholds("SessionFailuresUnknown", ratio),
                share=True,
                width=6,
            ),
            TimeSeries(
                title="Out of time (all projects)",
                queries=[Query(PLATFORM.recorded(ratio, reason="timeout"), "timeout", empty=Empty.QUIET)],
                description="Share of the sessions that ended within an hour and ran out of time. Either the limit is "
                "too short for the work, or something they call is slow.",
                thresholds=alert_thresholds("SessionTimeoutsHigh", ratio),
                share=True,
                width=6,
            ),
            TimeSeries(
                title="Success rate by project",
                queries=[Query(topk(MAX_SERIES, rate), "{{project}}", empty=Empty.QUIET)],
                description="Completed sessions of those that finished within an hour. One project below the others "
                "has a problem of its own; all of them falling together is the platform's.",
                thresholds=alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h"),
                share=True,
                width=6,
            ),
            TimeSeries(
                title="Failed sessions by project",
                queries=[Query(topk(MAX_SERIES, failed), "{{project}}")],
                description="Sessions that failed within an hour, in the projects with most of them. Open the sessions "
                "page for the project to see which and why.",
                width=6,
            ),
        ],
    )
