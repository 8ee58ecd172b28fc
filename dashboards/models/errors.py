"""Errors: how many calls fail, at whom, and why."""

from __future__ import annotations

from dashboards.llm import MODELS, PROVIDERS
from dashboards.models.shares import BY
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_COUNTED = "llm_request_errors_total"
_ERRORS = "vteam:llm_request_errors:ratio5m"
_LIMITED = "vteam:llm_rate_limited:ratio5m"


def row() -> Row:
    """Shares by provider, kinds over time, kinds by model."""
    kinds = aggregate("sum", MODELS.increase(_COUNTED, "$__rate_interval"), ("error_type",))
    worst = aggregate("sum", MODELS.increase(_COUNTED, "$__range"), (*BY, "error_type"))
    return Row(
        "Errors and rate limits",
        [
            TimeSeries(
                title="Failed by provider, all models",
                queries=[Query(topk(MAX_SERIES, PROVIDERS.recorded(_ERRORS)), "{{provider}}", empty=Empty.QUIET)],
                description="Share of the calls of 5 minutes that failed or timed out. One provider: see its status "
                "page. Several at once: the way to them, or what is sent.",
                thresholds=alert_thresholds("LlmProviderErrors", _ERRORS),
                share=True,
                width=12,
            ),
            TimeSeries(
                title="Rate-limited by provider, all models",
                queries=[Query(topk(MAX_SERIES, PROVIDERS.recorded(_LIMITED)), "{{provider}}", empty=Empty.QUIET)],
                description="Share of the calls of 5 minutes that were refused because there were too many. Retries "
                "make it worse: let callers wait longer, or ask for a higher limit.",
                thresholds=alert_thresholds("LlmRateLimited", _LIMITED),
                share=True,
                width=12,
            ),
            TimeSeries(
                title="Errors by type",
                queries=[Query(kinds, "{{error_type}}", empty=Empty.QUIET)],
                description="Failed calls per 5 minutes. auth: a key is wrong or spent; context_length: prompts are "
                "too long; overloaded: the provider's trouble; content_filter: what is asked for.",
                stacked=True,
                interval="5m",
                width=12,
            ),
            Bars(
                title="Errors by model and type",
                queries=[
                    Query(
                        topk(MAX_SERIES, worst.rounded().positive()),
                        "{{provider}} {{model}} {{error_type}}",
                        instant=True,
                        empty=Empty.QUIET,
                    )
                ],
                description="Failed calls within the time chosen above. Begin with the longest bar; other is what no "
                "caller explained: make it tell error_type.",
                share=False,
                width=12,
            ),
        ],
    )
