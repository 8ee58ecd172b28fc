"""How long the platform takes: for a session to start, and to run."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_QUEUE = "vteam_session_queue_duration_seconds"
_RUN = "vteam_session_run_duration_seconds"
_MEAN = "vteam:session_duration_avg:5m"


def row() -> Row:
    """Spreads of queue and run time; means by project."""
    return Row(
        "How long work takes",
        [
            Heatmap(
                title="Wait for a runner",
                queries=[Query(SESSIONS.buckets(_QUEUE, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Sessions by the time from their creation to the start of their runner. Two bands: some "
                "start on warm nodes, others wait for an image or a node.",
                unit="s",
                width=8,
                interval="5m",
            ),
            Heatmap(
                title="Run time",
                queries=[Query(SESSIONS.buckets(_RUN, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Sessions by the time they ran. A band at a round number is a time limit; a drift upwards "
                "is slower models or larger work.",
                unit="s",
                width=8,
                interval="5m",
            ),
            TimeSeries(
                title="Mean duration by project",
                queries=[Query(topk(MAX_SERIES, SESSIONS.recorded(_MEAN)), "{{project}}", empty=Empty.QUIET)],
                description="From creation to the end, for sessions that ended within 5 minutes. A project that rises "
                "alone has larger work; all of them together wait for the same thing.",
            ),
        ],
    )
