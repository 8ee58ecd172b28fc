"""Caches: how much of the input is read from them, and what that saves."""

from __future__ import annotations

from dashboards.llm import PROVIDERS, day, weighed
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import Expr, aggregate, one_of, share, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_MODEL = ("provider", "model")
_INPUT = ("input", "cache_read", "cache_write")


def row() -> Row:
    """Share of cached input, input by type, dollars saved by model."""
    cached = share(*(aggregate("sum", _tokens(*types), ("provider",)) for types in (("cache_read",), _INPUT)))
    kinds = aggregate("sum", _tokens(*_INPUT), ("type",))
    return Row(
        "Caches",
        [
            TimeSeries(
                title="Input read from caches, 24 h (all projects)",
                queries=[Query(topk(MAX_SERIES, cached), "{{provider}}", empty=Empty.QUIET)],
                description="Share of all input tokens. Low for work with long, equal beginnings: put what changes "
                "last, and mark what is to be kept, where the provider asks for marks.",
                share=True,
                interval="6h",
            ),
            TimeSeries(
                title="Input of 24 hours by type (all projects)",
                queries=[Query(kinds, "{{type}}")],
                description="Much cache_write and little cache_read: what is kept is not used again before it is "
                "thrown away, so keeping it costs more than it saves.",
                stacked=True,
                interval="6h",
            ),
            Bars(
                title="Saved by caches, 24 h, by model (all projects)",
                queries=[Query(topk(MAX_SERIES, _saved()), "{{provider}} {{model}}", instant=True, empty=Empty.QUIET)],
                description="What tokens read from caches would have cost as input, less their own price and what "
                "writing costs more than input, at today's list prices. Below 0: caching costs you money there.",
                share=False,
            ),
        ],
    )


def _tokens(*types: str) -> Expr:
    return day(PROVIDERS.recorded("vteam:llm_tokens:rate5m", type=one_of(*types)))


def _saved() -> Expr:
    plain, read, written = (
        aggregate("max", PROVIDERS.gauge("llm_price_usd_per_million_tokens", type=kind), _MODEL) for kind in _INPUT
    )
    won = weighed(aggregate("sum", _tokens("cache_read"), _MODEL), plain - read)
    lost = weighed(aggregate("sum", _tokens("cache_write"), _MODEL), written - plain)
    return won.or_zero_where(lost) - lost.or_zero_where(won)
