"""What the pages about language models share: which series they look at, variables, and arithmetic with money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent_observability.registry import BY_NAME
from dashboards.expr import TIME
from dashboards.page import query_variable
from dashboards.promql import Expr, Match, Scope, one_of

__all__ = [
    "AGENTS",
    "ALERTS",
    "DOLLARS",
    "MODELS",
    "PROJECTS",
    "PROVIDERS",
    "SPEND",
    "SUITE",
    "day",
    "each_day",
    "provider_variable",
    "renamed",
    "times",
    "until",
    "weighed",
]

DOLLARS = "currencyUSD"
"""Unit of recorded money: names of records do not tell it."""

_CLUSTER = ("cluster", one_of("$cluster"))
_JOB = ("job", Match("=", BY_NAME["llm_cost"].job))
_MODEL = ("model", one_of("$model"))
_PROJECT = ("project", one_of("$project"))
_PROVIDER = ("provider", one_of("$provider"))

SUITE = Scope((_JOB, _CLUSTER))
"""Series that belong to no provider: titles of panels that show some say "all providers"."""
PROVIDERS = Scope((_JOB, _CLUSTER, _PROVIDER))
MODELS = Scope((_JOB, _CLUSTER, _PROVIDER, _MODEL))
AGENTS = Scope((_JOB, _CLUSTER, _MODEL))
"""Coding agents' sessions, whose providers are not told."""
PROJECTS = Scope((_JOB, _CLUSTER, _PROJECT))
SPEND = Scope((_JOB, _CLUSTER, _PROJECT, _PROVIDER))
ALERTS = Scope((_CLUSTER, ("alertname", one_of("Llm.+"))))
"""Alerts about models and money; those of the machines say nothing on these pages."""


def provider_variable() -> dict[str, Any]:
    """Chooses among providers. Counters know them for as long as the ledger does, sums of a day or month do not."""
    return query_variable("provider", "Provider", SUITE.gauge("llm_requests_total"))


def each_day(yesterday: Expr) -> Expr:
    """A sum of yesterday as it stood at six in the morning, for points at midnight: one whole day each.

    Midnight itself is too early: what was scraped last before it is still the sum of the day before, and what came in
    late is missing. From a time zone more than six hours ahead of the configured one, each day stands a day late.
    """
    return replace(yesterday, template=f"last_over_time({_window(yesterday, '5h')})").before("-6h")


def day(rate: Expr) -> Expr:
    """How much a recorded rate amounts to within 24 hours.

    The counters behind it have a series per project and feature, too many to read a day of them for one figure.
    """
    return replace(rate, template=f"(sum_over_time({_window(rate, '1d:1m')}) * 60)", unit="short")


def times(factor: float, expr: Expr, unit: str) -> Expr:
    """A multiple, such as dollars per 1,000 calls, in the unit it then has."""
    return replace(expr, template=f"({expr.template} * {factor:.12g})", unit=unit)


def weighed(tokens: Expr, price: Expr) -> Expr:
    """Tokens times dollars per million of them, where both have the same labels."""
    template = f"({tokens.template} * {price.template} / 1e+06)"
    return Expr(template, DOLLARS, tokens.families | price.families, tokens.labels)


def until(stamp: Expr) -> Expr:
    """Time left until a Unix time; negative once it has passed."""
    passed = stamp.age()
    return replace(passed, template=f"(-{passed.template})")


def renamed(expr: Expr, old: str, new: str) -> Expr:
    """The same series with their label `old` called `new`, so that a table can join them with others."""
    return replace(
        expr,
        template=f'label_replace({expr.template}, "{new}", "$1", "{old}", "(.*)")',
        labels=None if expr.labels is None else expr.labels | {new},
    )


def _window(selector: Expr, window: str) -> str:
    if not selector.template.endswith(TIME):
        raise ValueError(f"{selector.text!r} is no selector, so it has no window")
    return f"{selector.template.removesuffix(TIME)}[{window}]{TIME}"
