"""Budgets: limit, spent, left, and when each begins anew."""

from __future__ import annotations

from dataclasses import replace

from dashboards.llm import DOLLARS, SUITE, until
from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries, cells
from dashboards.promql import Expr, aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BY = ("budget", "of", "period")
_USED = "vteam:llm_budget_used:ratio"


def row() -> Row:
    """Every budget in a table, the most used ones over time."""
    limit, spent, remaining, reset = (
        SUITE.gauge(f"llm_budget_{what}")
        for what in ("limit_usd", "spent_usd", "remaining_usd", "reset_timestamp_seconds")
    )
    used = SUITE.recorded(_USED)
    thresholds = alert_thresholds("LlmBudgetUsed", _USED)
    return Row(
        "Budgets",
        [
            Table(
                title="Budgets, all providers (all projects)",
                queries=[cells(_by_name(expr)) for expr in (used, used, limit, spent, remaining, until(reset))],
                columns=(
                    Column("budget", "Budget"),
                    Column("of", "Of"),
                    Column("period", "Per"),
                    Column("B", "State", states=thresholds),
                    Column("A", "Used", unit="percentunit"),
                    Column("C", "Limit", unit=DOLLARS),
                    Column("D", "Spent", unit=DOLLARS),
                    Column("E", "Left", unit=DOLLARS),
                    Column("F", "Begins anew in", unit="dtdurations"),
                ),
                sort="Used",
                descending=True,
                description="What may be spent, what was, and what is left until the next day or month begins; below "
                "0 the limit is exceeded. Nothing is cut off: that is for you to do.",
                width=24,
            ),
            TimeSeries(
                title="Used over time, all providers (all projects)",
                queries=[Query(topk(MAX_SERIES, used), "{{budget}}")],
                description="The fullest budgets. A budget per month that is half used after a third of it will not "
                "last: see the projection.",
                thresholds=thresholds,
                width=12,
            ),
            TimeSeries(
                title="Left over time, all providers (all projects)",
                queries=[Query(topk(MAX_SERIES, remaining), "{{budget}}")],
                description="Dollars left in each period. Much left at every end: the limit is no limit, lower it, so "
                "that its alert means something.",
                width=12,
            ),
        ],
    )


def _by_name(expr: Expr) -> Expr:
    """By what the table shows; of a budget in total the key is empty."""
    template = f'label_join({expr.template}, "of", " ", "scope", "key")'
    known = None if expr.labels is None else expr.labels | {"of"}
    return aggregate("max", replace(expr, template=template, labels=known), _BY)
