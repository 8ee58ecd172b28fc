"""The month: how it goes, how it will end, and between which bounds."""

from __future__ import annotations

from dashboards.llm import DOLLARS, PROVIDERS, SPEND, SUITE, renamed
from dashboards.page import Row
from dashboards.panels import Bars, Column, Query, Table, TimeSeries, cells
from dashboards.promql import Expr, aggregate, one_of, topk
from dashboards.theme import MAX_SERIES

__all__ = ["bounds", "projection", "row"]

_BOUNDS = ("low", "high")
_PROVIDER = ("provider",)


def bounds(label: str) -> list[Expr]:
    """Lower and upper end of the band of each provider or project chosen at the top, by its label."""
    ends = (SUITE.gauge(f"llm_cost_month_projected_{end}_usd", scope=label, key=one_of(f"${label}")) for end in _BOUNDS)
    return [aggregate("max", renamed(end, "key", label), (label,)) for end in ends]


def projection() -> TimeSeries:
    """The month in total, with its end, its band and its budget."""
    spent, projected = (
        aggregate("sum", SUITE.recorded(f"vteam:llm_cost_month_{what}:total").as_unit(DOLLARS))
        for what in ("to_date", "projected")
    )
    low, high = (aggregate("sum", SUITE.gauge(f"llm_cost_month_projected_{end}_usd", scope="total")) for end in _BOUNDS)
    budget = aggregate("min", SUITE.gauge("llm_budget_limit_usd", scope="total", period="month"))
    return TimeSeries(
        title="Month and its end, all providers (all projects)",
        queries=[
            Query(spent, "spent"),
            Query(projected, "projected"),
            Query(low, "low end"),
            Query(high, "high end"),
            Query(budget, "budget"),
        ],
        description="Spent so far, what the month will have cost, the band in which four of five months end, and the "
        "budget. Budget below the band: it will not hold, act now. Within the band: watch it.",
        width=12,
    )


def row() -> Row:
    """Providers and features of the month, and every provider with its band."""
    month, projected = (SPEND.gauge(f"llm_cost_month_{what}_usd") for what in ("to_date", "projected"))
    features = [aggregate("sum", expr, ("feature",)) for expr in (month, projected)]
    spent = [
        aggregate("sum", PROVIDERS.gauge(f"llm_cost_{what}_usd"), _PROVIDER)
        for what in ("today", "yesterday", "month_to_date", "month_projected")
    ]
    return Row(
        "The month",
        [
            TimeSeries(
                title="Month to date by provider",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", month, _PROVIDER)), "{{provider}}")],
                description="How this month's dollars add up. A line that becomes steeper and stays so moves the "
                "projection within days; look for the change that came with it.",
                stacked=True,
            ),
            TimeSeries(
                title="Projected by feature",
                queries=[Query(topk(MAX_SERIES, features[1]), "{{feature}}")],
                description="What each feature will have cost at the month's end. Rising from day to day: it grows; "
                "flat: it goes on as in the last weeks.",
            ),
            Bars(
                title="Features, spent and projected",
                queries=[
                    Query(topk(MAX_SERIES, expr), f"{{{{feature}}}} {words}", instant=True)
                    for expr, words in zip(features, ("so far", "projected"), strict=True)
                ],
                description="This month's dollars so far and at its end. Early in the month the two lie far apart, "
                "and the end is least certain.",
                share=False,
            ),
            Table(
                title="Providers (all projects)",
                queries=[cells(expr) for expr in (*spent, *bounds("provider"))],
                columns=(
                    Column("provider", "Provider"),
                    Column("A", "Today", unit=DOLLARS),
                    Column("B", "Yesterday", unit=DOLLARS),
                    Column("C", "Month to date", unit=DOLLARS),
                    Column("D", "Projected", unit=DOLLARS),
                    Column("E", "Low end", unit=DOLLARS),
                    Column("F", "High end", unit=DOLLARS),
                ),
                sort="Projected",
                descending=True,
                description="Each provider's month with the band in which four of five months end. Bands do not add "
                "up to that of the total: when one provider costs more than expected, another often costs less.",
                width=24,
            ),
        ],
    )
