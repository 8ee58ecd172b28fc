"""Latency: how long calls take, and how long until an answer begins."""

from __future__ import annotations

from dashboards.llm import MODELS
from dashboards.models.shares import BY, LEGEND
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_DURATION = "llm_request_duration_seconds"
_FIRST = "llm_time_to_first_token_seconds"


def row() -> Row:
    """Median, tail and first token by model, by operation, and how both are spread."""
    by_model = {
        name: topk(MAX_SERIES, aggregate("max", MODELS.recorded(f"vteam:llm_{name}_5m").as_unit("s"), BY))
        for name in ("request_duration:p50", "request_duration:p99", "first_token:p95")
    }
    operations = MODELS.quantile(0.95, _DURATION, ("operation",), window="1h")
    return Row(
        "Latency",
        [
            TimeSeries(
                title="Duration, half are shorter",
                queries=[Query(by_model["request_duration:p50"], LEGEND, empty=Empty.QUIET)],
                description="What a usual call of 5 minutes takes. It follows the length of answers: limit them where "
                "nobody reads to the end.",
            ),
            TimeSeries(
                title="Duration, 99 % are shorter",
                queries=[Query(by_model["request_duration:p99"], LEGEND, empty=Empty.QUIET)],
                description="The slowest calls of 5 minutes. A flat line at a round number is the callers' time limit: "
                "those calls were given up, and paid for nonetheless.",
            ),
            TimeSeries(
                title="First token, 95 % are sooner",
                queries=[Query(by_model["first_token:p95"], LEGEND, empty=Empty.QUIET)],
                description="Time from a call until its answer begins, as far as callers stream and tell. The alert "
                "compares an hour with the same hour last week; caching long prompts shortens it.",
            ),
            Heatmap(
                title="How durations are spread",
                queries=[Query(MODELS.buckets(_DURATION, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Calls by how long they took. Two bands: two kinds of work, or one model among several "
                "that is slower; choose it above.",
                unit="s",
                interval="5m",
                width=8,
            ),
            Heatmap(
                title="How the time to the first token is spread",
                queries=[Query(MODELS.buckets(_FIRST, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Answers by how long they took to begin. A second band higher up: prompts that are not "
                "cached, or a provider that makes calls queue.",
                unit="s",
                interval="5m",
                width=8,
            ),
            TimeSeries(
                title="Duration by operation, 95 % are shorter",
                queries=[Query(operations, "{{operation}}", empty=Empty.QUIET)],
                description="Calls of an hour by what was asked for. Images and speech take longer than chat; an "
                "operation that becomes slower on its own has larger input.",
            ),
        ],
    )
