"""Days, the month's end, and what the money goes to, in one screen."""

from __future__ import annotations

from dashboards.cost.money import MoneyPie
from dashboards.cost.month import projection
from dashboards.llm import DOLLARS, PROVIDERS, SPEND, SUITE, each_day
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_MODELS = 10
_DRIVERS = 3


def row() -> Row:
    """Days by provider, projection, features, models, budgets, drivers."""
    days = aggregate("sum", each_day(SPEND.gauge("llm_cost_yesterday_usd")), ("provider",))
    month = SPEND.gauge("llm_cost_month_to_date_usd")
    models = PROVIDERS.recorded("vteam:llm_cost_by_model:increase7d").as_unit(DOLLARS)
    used = "vteam:llm_budget_used:ratio"
    return Row(
        "Spend",
        [
            TimeSeries(
                title="Cost per day by provider",
                queries=[Query(days, "{{provider}}", empty=Empty.TOO_YOUNG)],
                description="One bar for each whole day, exact sums of the ledger; yesterday's comes at six in the "
                "morning, with what came in late. A step up that stays: see below which feature or model took it.",
                stacked=True,
                bars=True,
                interval="1d",
                width=12,
            ),
            projection(),
            MoneyPie(
                title="By feature, this month",
                queries=[Query(aggregate("sum", month, ("feature",)), "{{feature}}", instant=True)],
                description="What this month's dollars went to. A large slice called other: callers name features "
                "that llm_cost.features does not list.",
                width=6,
            ),
            Bars(
                title="By model, 7 d (all projects)",
                queries=[
                    Query(
                        topk(_MODELS, aggregate("sum", models, ("provider", "model"))),
                        "{{provider}} {{model}}",
                        instant=True,
                    )
                ],
                description="The models that cost most within a week. For the first, ask whether a smaller one does: "
                "the page about models compares what 1,000 calls cost.",
                share=False,
                width=6,
            ),
            Bars(
                title="Budgets used, all providers (all projects)",
                queries=[Query(topk(MAX_SERIES, SUITE.recorded(used)), "{{budget}} per {{period}}", instant=True)],
                description="What part of each budget is used up in its day or month. The colours are those of the "
                "alert; what is left, and until when, is in the row about budgets.",
                thresholds=alert_thresholds("LlmBudgetUsed", used),
                width=6,
            ),
            Bars(
                title="Cost drivers, this month",
                queries=[
                    Query(
                        topk(_DRIVERS, aggregate("sum", month, ("project", "feature", "provider"))),
                        "{{project}}, {{feature}}, {{provider}}",
                        instant=True,
                    )
                ],
                description="The three that cost most of all combinations of project, feature and provider. Saving "
                "begins here: shorter prompts, caching, a cheaper model, fewer retries.",
                share=False,
                width=6,
            ),
        ],
        collapsed=False,
    )
