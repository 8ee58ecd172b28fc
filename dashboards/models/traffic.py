"""Traffic: which models are called, and how calls end."""

from __future__ import annotations

from dashboards.llm import MODELS, times
from dashboards.models.shares import BY, LEGEND
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]


def row() -> Row:
    """Calls by model and by status."""
    calls = MODELS.recorded("vteam:llm_requests:rate5m")
    by_model, by_status = (times(60, aggregate("sum", calls, by), "cpm") for by in (BY, ("status",)))
    return Row(
        "Calls",
        [
            TimeSeries(
                title="Calls per minute by model",
                queries=[Query(topk(MAX_SERIES, by_model), LEGEND)],
                description="Which models do the work. One that takes over from another without a decision: an alias "
                "of the provider changed its meaning; name versions instead.",
                stacked=True,
                width=12,
            ),
            TimeSeries(
                title="Calls per minute by status",
                queries=[Query(by_status, "{{status}}")],
                description="How calls end. timeout: callers gave up, so raise their limit or ask for less at once; "
                "error: the row above says which.",
                stacked=True,
                width=12,
            ),
        ],
    )
