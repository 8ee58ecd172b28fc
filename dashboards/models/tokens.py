"""Tokens: of which types, how many per call, how much cached, how much thought."""

from __future__ import annotations

from dashboards.llm import MODELS, times
from dashboards.models.shares import BY, LEGEND, cached, calls, tokens
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]


def row() -> Row:
    """Tokens by type and by model, per call, cached input, reasoning."""
    rate = MODELS.recorded("vteam:llm_tokens:rate5m")
    by_type, by_model = (times(60, aggregate("sum", rate, by), "cpm") for by in (("type",), BY))
    reasoning, output = (
        aggregate("sum", expr, BY)
        for expr in (MODELS.rate("llm_reasoning_tokens_total"), MODELS.rate("llm_tokens_total", type="output"))
    )
    return Row(
        "Tokens",
        [
            TimeSeries(
                title="Tokens per minute by type",
                queries=[Query(topk(MAX_SERIES, by_type), "{{type}}")],
                description="Types do not overlap: input is what was neither read from a cache nor written to one. "
                "Mostly input: caching is the first thing to try.",
                stacked=True,
            ),
            TimeSeries(
                title="Tokens per minute by model",
                queries=[Query(topk(MAX_SERIES, by_model), LEGEND)],
                description="Tokens of all types. A model's tokens grow while its calls do not: prompts or histories "
                "become longer; cut what is not needed.",
                stacked=True,
            ),
            TimeSeries(
                title="Tokens per call, 24 h",
                queries=[Query(topk(MAX_SERIES, share(tokens(), calls()).as_unit("short")), LEGEND, empty=Empty.QUIET)],
                description="Tokens of all types by calls, failed ones included. It only ever rises: conversations "
                "are never begun anew; summarise them, or limit their length.",
                interval="1h",
            ),
            TimeSeries(
                title="Input read from caches, 24 h",
                queries=[Query(topk(MAX_SERIES, cached()), LEGEND, empty=Empty.QUIET)],
                description="Share of a model's input tokens. It falls after a rollout: prompts now change near their "
                "beginning, such as by a date; put that last.",
                share=True,
                interval="1h",
                width=12,
            ),
            TimeSeries(
                title="Output spent on reasoning",
                queries=[Query(topk(MAX_SERIES, share(reasoning, output)), LEGEND, empty=Empty.QUIET)],
                description="Share of a model's output that nobody sees and everybody pays for. High for simple work: "
                "lower the effort asked for.",
                share=True,
                width=12,
            ),
        ],
    )
