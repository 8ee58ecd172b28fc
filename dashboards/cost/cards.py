"""The first row: today, the last hour, the month, its end, the budgets, and what is missing in all of these."""

from __future__ import annotations

from dashboards.compared import Compared, firing, firing_state
from dashboards.llm import DOLLARS, PROVIDERS, SPEND, SUITE
from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel, Query
from dashboards.promql import aggregate, share
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]

_PROJECTED = "vteam:llm_cost_month_projected:total"
_USED = "vteam:llm_budget_used:ratio"


def cards() -> list[DataPanel]:
    """Six cards."""
    today, yesterday = (aggregate("sum", SPEND.gauge(f"llm_cost_{what}_usd")) for what in ("today", "yesterday"))
    last_hour, expected = (
        aggregate("sum", SUITE.recorded(f"vteam:llm_cost_last_hour:{what}")).as_unit(DOLLARS)
        for what in ("total", "expected")
    )
    projected = aggregate("sum", SUITE.recorded(_PROJECTED)).as_unit(DOLLARS)
    budget = aggregate("min", SUITE.gauge("llm_budget_limit_usd", scope="total", period="month"))
    return [
        Compared(
            title="Spent today",
            queries=[
                Query(today, "now"),
                Query(today.day_before(), "24 h ago", instant=True, empty=Empty.TOO_YOUNG),
                Query(yesterday, "yesterday", instant=True, empty=Empty.TOO_YOUNG),
            ],
            description="Dollars since midnight, what it was at this time yesterday, and all of yesterday. Ahead of "
            "yesterday without a reason: the hours below show since when, the drivers what for.",
        ),
        Compared(
            title="Last hour, all providers (all projects)",
            queries=[
                Query(last_hour, "now"),
                Query(expected, "expected", instant=True, empty=Empty.TOO_YOUNG),
                firing(SUITE, "LlmSpendSpike"),
            ],
            description="Dollars of the last 60 minutes, the median of the same hour one, two and three weeks ago, "
            "and whether the alert fires that compares them. If it does, something loops: stop it.",
            thresholds=firing_state("LlmSpendSpike"),
        ),
        Card(
            title="Month to date",
            expr=aggregate("sum", SPEND.gauge("llm_cost_month_to_date_usd")),
            description="Dollars since the month began, in the configured time zone. It falls to 0 on the first; to "
            "compare with last month, see the projection.",
        ),
        Compared(
            title="Month's end, all providers (all projects)",
            queries=[
                Query(projected, "projected"),
                Query(projected.day_before(), "24 h ago", instant=True, empty=Empty.TOO_YOUNG),
                Query(share(projected, budget), "state", instant=True),
            ],
            description="What this month will have cost, if the days to come are like those before, and whether that "
            "is within the budget. If not: the tables of features and projects say who grows.",
            thresholds=alert_thresholds("LlmProjectedOverBudget", _PROJECTED),
        ),
        Card(
            title="Fullest budget, all providers (all projects)",
            expr=aggregate("max", SUITE.recorded(_USED)),
            description="The largest part of any budget that is used up. Near its end: the bars below name the "
            "budget; move work to a cheaper model, or raise the budget knowingly.",
            thresholds=alert_thresholds("LlmBudgetUsed", _USED),
        ),
        Card(
            title="Calls without a price, 24 h (all projects)",
            expr=aggregate("sum", PROVIDERS.increase("llm_unpriced_requests_total", "1d")).rounded().or_zero(),
            description="Calls whose cost stands in none of these figures. Any: add their model to prices.yaml, then "
            "run agent-obs reprice; the row about prices names them.",
            thresholds=alert_thresholds("LlmRequestsUnpriced", "llm_unpriced_requests_total"),
        ),
    ]
