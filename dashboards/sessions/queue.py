"""The queue: who waits, for how long, and who is stuck."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_SECONDS = "vteam_session_queue_duration_seconds"


def row() -> Row:
    """Depth, oldest, stuck, waiting time, each by project."""
    depth = SESSIONS.gauge("vteam_session_queue_depth")
    pending = SESSIONS.gauge("vteam_session_oldest_pending_timestamp_seconds").age().or_zero_where(depth)
    return Row(
        "Queue",
        [
            TimeSeries(
                title="Waiting by project",
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
                title="Stuck by project and phase",
                queries=[Query(topk(MAX_SERIES, SESSIONS.gauge("vteam_sessions_stuck")), "{{project}} {{phase}}")],
                description="Sessions that have been creating or stopping for too long. Creating: an image, a volume "
                "or a secret is missing. Stopping: the operator or a finalizer does not answer.",
                thresholds=alert_thresholds("SessionStuck", "vteam_sessions_stuck"),
            ),
            Heatmap(
                title="How waiting times are spread",
                queries=[Query(SESSIONS.buckets(_SECONDS, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Sessions by the time from their creation to the start of their runner. Two bands: some "
                "start on warm nodes, others wait for an image or a node.",
                unit="s",
                interval="5m",
            ),
            TimeSeries(
                title="Waiting time by project, 95 % start sooner",
                queries=[
                    Query(
                        topk(MAX_SERIES, SESSIONS.recorded("vteam:session_queue_duration:p95_1h")),
                        "{{project}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="From creation to the start of the runner, over an hour. One project alone: compare its "
                "image and its limits with those of the others.",
                width=12,
            ),
        ],
    )
