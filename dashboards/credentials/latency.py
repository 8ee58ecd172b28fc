"""How long the proxy takes to answer, where its log tells."""

from __future__ import annotations

from dashboards.credentials.scope import PROXY
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_SECONDS = "credential_proxy_response_duration_seconds"
_P95 = "vteam:credential_response_duration_seconds:p95_5m"


def row() -> Row:
    """Quantiles of all answers, the slow ones by service, and how they are spread."""
    by_service = aggregate("max", PROXY.recorded(_P95), ("target_service",))
    return Row(
        "Answer times",
        [
            TimeSeries(
                title="Answer time",
                queries=[
                    Query(PROXY.quantile(q, _SECONDS), f"p{q * 100:g}", empty=Empty.QUIET) for q in (0.5, 0.95, 0.99)
                ],
                description="The usual answer, one in twenty, one in a hundred. Only the tail rising: single requests "
                "wait for something outside; all rising: the proxy has more to do than it can.",
            ),
            TimeSeries(
                title="Slow answers by service, 95 %",
                queries=[Query(topk(MAX_SERIES, by_service), "{{target_service}}", empty=Empty.QUIET)],
                description="One in twenty answers took longer. One service alone: what the proxy asks for its "
                "credentials is slow; all alike: the proxy's machine, or too many requests.",
                thresholds=alert_thresholds("CredentialProxySlow", _P95),
            ),
            Heatmap(
                title="How answer times are spread",
                queries=[Query(PROXY.buckets(_SECONDS, window="$__rate_interval"), "{{le}}", format="heatmap")],
                description="Answers by the time they took. A second band higher up: some requests take another way, "
                "such as a token that has to be fetched anew.",
                unit="s",
                interval="1m",
                width=8,
            ),
        ],
    )
