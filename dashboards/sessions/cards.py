"""The first row: do sessions start, run and complete?"""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel
from dashboards.platform import SESSIONS, success_rate
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]


def cards() -> list[DataPanel]:
    """Six cards: how many, the worst project where an alert judges projects, how well."""
    depth = SESSIONS.gauge("vteam_session_queue_depth")
    pending = SESSIONS.gauge("vteam_session_oldest_pending_timestamp_seconds").age().or_zero_where(depth)
    batch = SESSIONS.recorded("vteam:session_run_duration:p95_1h", mode="batch")
    return [
        Card(
            title="Active sessions",
            expr=aggregate("sum", SESSIONS.recorded("vteam:active_sessions:current")),
            description="Sessions that have not ended. None while users work: they cannot start any, see the queue; "
            "far more than the day before: something may create them in a loop.",
        ),
        Card(
            title="Longest queue",
            expr=aggregate("max", depth),
            description="Sessions that wait for their runner, in the project with most of them. Growing: the cluster "
            "has no room for more runners, or the operator stands still.",
            thresholds=alert_thresholds("SessionQueueLong", "vteam_session_queue_depth"),
        ),
        Card(
            title="Longest wait",
            expr=aggregate("max", pending),
            description="Age of the session that has been pending longest; 0 if none is. Its user sees nothing happen: "
            "read the session's conditions and its pod's events.",
            thresholds=alert_thresholds("SessionPendingLong", "vteam_session_oldest_pending_timestamp_seconds"),
        ),
        Card(
            title="Stuck",
            expr=aggregate("sum", SESSIONS.gauge("vteam_sessions_stuck")),
            description="Sessions that have been creating or stopping for too long. They hardly get further by "
            "themselves: see the operator's log, then delete their pods.",
            thresholds=alert_thresholds("SessionStuck", "vteam_sessions_stuck"),
        ),
        Card(
            title="Success rate, 1 h",
            expr=success_rate("1h"),
            description="Completed sessions of those that finished within an hour; stopped ones count neither way. "
            "Low: the reasons below say what to mend first.",
            thresholds=alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h"),
            empty=Empty.QUIET,
        ),
        Card(
            title="Batch run time, 95 %",
            expr=aggregate("max", batch),
            description="One in twenty batch sessions of the last hour ran longer, in the slowest project. Longer than "
            "the day before: slower models, larger work, or machines that are short of CPU.",
            thresholds=alert_thresholds("SessionRunTimeHigh", "vteam:session_run_duration:p95_1h"),
            empty=Empty.QUIET,
        ),
    ]
