"""The day and the hour: is something running away right now?"""

from __future__ import annotations

from dashboards.llm import DOLLARS, SPEND, SUITE
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]


def row() -> Row:
    """Today against yesterday, the last hour against what is usual, and who spends it."""
    today = aggregate("sum", SPEND.gauge("llm_cost_today_usd"))
    last_hour = SPEND.gauge("llm_cost_last_hour_usd")
    total, expected = (
        aggregate("sum", SUITE.recorded(f"vteam:llm_cost_last_hour:{what}").as_unit(DOLLARS))
        for what in ("total", "expected")
    )
    return Row(
        "Today and the last hour",
        [
            TimeSeries(
                title="Since midnight",
                queries=[
                    Query(today, "today"),
                    Query(today.day_before(), "the day before", empty=Empty.TOO_YOUNG),
                ],
                description="Dollars since midnight, and what it was 24 hours earlier. Choose a day above: where the "
                "lines part, something began that yesterday did not have.",
            ),
            TimeSeries(
                title="60 minutes and what is usual, all providers (all projects)",
                queries=[Query(total, "spent"), Query(expected, "expected", empty=Empty.TOO_YOUNG)],
                description="Dollars of 60 minutes, and the median of the same hour in the three weeks before. The "
                "alert compares them: far above for a quarter of an hour, and somebody is told.",
            ),
            TimeSeries(
                title="60 minutes by provider",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", last_hour, ("provider",))), "{{provider}}")],
                description="Who was paid for the last 60 minutes. A jump at one provider and a fall at another: "
                "callers switched, for example because one of them failed.",
                stacked=True,
            ),
            TimeSeries(
                title="60 minutes by project",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", last_hour, ("project",))), "{{project}}")],
                description="Whose calls the last 60 minutes paid for, the dearest projects. One that leaps up: ask "
                "its owner first, then look for a session that goes in circles.",
                width=12,
            ),
            TimeSeries(
                title="60 minutes by feature",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", last_hour, ("feature",))), "{{feature}}")],
                description="What the last 60 minutes were spent on. A feature that leaps up after a rollout, which "
                "blue marks show, sends longer prompts or calls more often than before.",
                width=12,
            ),
        ],
    )
