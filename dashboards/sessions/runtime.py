"""Run time: how long sessions work."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import topk
from dashboards.sessions.quantiles import quantiles
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_SECONDS = "vteam_session_run_duration_seconds"
_P95 = "vteam:session_run_duration:p95_1h"
_MEAN = "vteam:session_duration_avg:5m"


def row() -> Row:
    """Batch and interactive apart, by project, as a spread, from creation to the end."""
    return Row(
        "Run time",
        [
            TimeSeries(
                title="Batch sessions",
                queries=quantiles(_SECONDS, Empty.QUIET, mode="batch"),
                description="How long batch sessions that ended within an hour ran. Nobody waits in front of them, but "
                "every minute costs tokens: look for sessions that go in circles.",
            ),
            TimeSeries(
                title="Interactive sessions",
                queries=quantiles(_SECONDS, Empty.QUIET, mode="interactive"),
                description="How long interactive sessions that ended within an hour ran: as long as their users "
                "liked. Long ones that are mostly idle: shorten the inactivity timeout.",
            ),
            TimeSeries(
                title="Batch sessions by project, 95 % are shorter",
                queries=[
                    Query(topk(MAX_SERIES, SESSIONS.recorded(_P95, mode="batch")), "{{project}}", empty=Empty.QUIET)
                ],
                description="One in twenty ran longer. A project above the line: its work should be cut into smaller "
                "sessions, or its model is slow.",
                thresholds=alert_thresholds("SessionRunTimeHigh", _P95),
            ),
            Heatmap(
                title="How run times are spread",
                queries=[Query(SESSIONS.buckets(_SECONDS, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Sessions by the time they ran. A band at a round number is a time limit; a drift upwards "
                "is slower models or larger work.",
                unit="s",
                interval="5m",
            ),
            TimeSeries(
                title="Mean time from creation to the end, by project",
                queries=[Query(topk(MAX_SERIES, SESSIONS.recorded(_MEAN)), "{{project}}", empty=Empty.QUIET)],
                description="What users wait in all, for sessions that ended within 5 minutes. Far above the run time: "
                "the queue is what takes long.",
                width=12,
            ),
        ],
    )
