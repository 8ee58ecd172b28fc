"""Shares and costs of 24 hours, by model or of all that are chosen."""

from __future__ import annotations

from dashboards.llm import DOLLARS, MODELS, day, times
from dashboards.promql import Expr, Match, aggregate, one_of, share

__all__ = ["BY", "LEGEND", "cached", "calls", "per_thousand", "success", "tokens"]

BY = ("provider", "model")
LEGEND = "{{provider}} {{model}}"

_INPUT = one_of("input", "cache_read", "cache_write")


def calls(by: tuple[str, ...] = BY, **labels: str | Match) -> Expr:
    """Calls of 24 hours."""
    return aggregate("sum", day(MODELS.recorded("vteam:llm_requests:rate5m", **labels)), by)


def tokens(by: tuple[str, ...] = BY, **labels: str | Match) -> Expr:
    """Tokens of 24 hours."""
    return aggregate("sum", day(MODELS.recorded("vteam:llm_tokens:rate5m", **labels)), by)


def success() -> Expr:
    """Calls of 24 hours that succeeded, of all; 0 for a model that only fails."""
    return share(calls(status="success").or_zero_where(calls()), calls())


def cached() -> Expr:
    """Input of 24 hours that was read from a cache, of all input."""
    whole = tokens(type=_INPUT)
    return share(tokens(type="cache_read").or_zero_where(whole), whole)


def per_thousand(by: tuple[str, ...] = BY) -> Expr:
    """Dollars per 1,000 calls of 24 hours, failed ones included."""
    cost = aggregate("sum", MODELS.recorded("vteam:llm_cost:increase1d"), by)
    return times(1000, share(cost, calls(by)), DOLLARS)
