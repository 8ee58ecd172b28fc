"""Cost by model: per week, per day, per 1,000 calls, and for which features."""

from __future__ import annotations

from dashboards.llm import DOLLARS, MODELS
from dashboards.models.shares import BY, LEGEND, per_thousand
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]


def row() -> Row:
    """By models the books hold no sums, so these panels read what the rules record from the counter."""
    week = aggregate("sum", MODELS.recorded("vteam:llm_cost_by_model:increase7d").as_unit(DOLLARS), BY)
    hourly, daily = (MODELS.recorded(f"vteam:llm_cost:increase{window}").as_unit(DOLLARS) for window in ("1h", "1d"))
    return Row(
        "Cost",
        [
            Bars(
                title="Cost, 7 d",
                queries=[Query(topk(MAX_SERIES, week), LEGEND, instant=True)],
                description="What each model cost within a week, of all projects. For the first, ask whether a "
                "smaller one does as well, and try it on part of the work.",
                share=False,
            ),
            TimeSeries(
                title="Cost of 24 hours by model",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", daily, BY)), LEGEND)],
                description="What each model cost within the 24 hours before. By when it was counted, so the cost "
                "page, which goes by when it was used, differs a little.",
                stacked=True,
            ),
            TimeSeries(
                title="Cost of 60 minutes by model",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", hourly, BY)), LEGEND)],
                description="What each model cost within the hour before. When the alert about spending fires, the "
                "model that leaps up here leads to the feature, and from there to whoever began it.",
                stacked=True,
            ),
            TimeSeries(
                title="Cost of 1,000 calls over time",
                queries=[Query(topk(MAX_SERIES, per_thousand()), LEGEND, empty=Empty.QUIET)],
                description="Of the 24 hours before. A model whose calls become dearer: longer prompts, less cached "
                "input, more output; the row about tokens tells which.",
                interval="1h",
                width=12,
            ),
            Bars(
                title="Cost by model and feature, 24 h",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("sum", daily, (*BY, "feature"))),
                        "{{feature}}: {{provider}} {{model}}",
                        instant=True,
                    )
                ],
                description="Which feature pays for which model. A dear model under a simple feature is the easiest "
                "saving there is: change its setting.",
                share=False,
                width=12,
            ),
        ],
    )
