"""Job processing: what the operator starts, how it ends, and what waits to be started."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_PROJECT = ("project",)


def row() -> Row:
    """Jobs by project, failures, the queue before them."""
    created = aggregate("sum", SESSIONS.increase("vteam_operator_jobs_created_total", "1h"), _PROJECT)
    failed, ended = (
        aggregate("sum", SESSIONS.increase("vteam_operator_jobs_completed_total", "1h", **labels), _PROJECT)
        for labels in ({"result": "failed"}, {})
    )
    depth = SESSIONS.gauge("vteam_session_queue_depth")
    pending = SESSIONS.gauge("vteam_session_oldest_pending_timestamp_seconds").age().or_zero_where(depth)
    return Row(
        "Job processing",
        [
            TimeSeries(
                title="Jobs created per hour, by project",
                queries=[Query(topk(MAX_SERIES, created), "{{project}}")],
                description="Who keeps the platform busy. One project far above its usual level may be a loop that "
                "creates sessions: ask its owner.",
            ),
            TimeSeries(
                title="Jobs that failed, by project",
                queries=[Query(topk(MAX_SERIES, share(failed, ended)), "{{project}}", empty=Empty.QUIET)],
                description="Share of the jobs that ended within an hour and failed. One project: its secrets, image "
                "or limits. All of them: the platform.",
                share=True,
            ),
            TimeSeries(
                title="Jobs that failed per hour",
                queries=[Query(topk(MAX_SERIES, failed), "{{project}}")],
                description="How many jobs failed within an hour: a high share of few is no reason to get up at "
                "night. See the pods' events in the project's namespace.",
            ),
            TimeSeries(
                title="Queue by project",
                queries=[Query(topk(MAX_SERIES, depth), "{{project}}")],
                description="Sessions that wait for their runner. In one project: its quota is used up. In all: the "
                "cluster is full, or the operator does not work.",
                thresholds=alert_thresholds("SessionQueueLong", "vteam_session_queue_depth"),
            ),
            TimeSeries(
                title="Longest wait by project",
                queries=[Query(topk(MAX_SERIES, pending), "{{project}}")],
                description="Age of the session that has been pending longest; 0 where none is. Growing in a straight "
                "line: nothing starts there any more.",
                thresholds=alert_thresholds("SessionPendingLong", "vteam_session_oldest_pending_timestamp_seconds"),
            ),
            TimeSeries(
                title="Wait for a runner, 95 % start sooner",
                queries=[
                    Query(
                        topk(MAX_SERIES, SESSIONS.recorded("vteam:session_queue_duration:p95_1h")),
                        "{{project}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="From creation to the start of the runner, over an hour. Long without a queue: images are "
                "pulled anew, or nodes are added first.",
            ),
        ],
    )
