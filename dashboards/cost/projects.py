"""Projects: who spends, and how that changes."""

from __future__ import annotations

from dashboards.cost.month import bounds
from dashboards.llm import DOLLARS, PROJECTS, SPEND, each_day
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries, cells
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_PROJECT = ("project",)


def row() -> Row:
    """Every project in a table, the dearest ones over time, tokens."""
    spent = [
        aggregate("sum", PROJECTS.gauge(f"llm_cost_{what}_usd"), _PROJECT)
        for what in ("today", "yesterday", "month_to_date", "month_projected")
    ]
    days = aggregate("sum", each_day(SPEND.gauge("llm_cost_yesterday_usd")), _PROJECT)
    tokens = aggregate("sum", PROJECTS.recorded("vteam:tokens_per_minute:5m"), _PROJECT)
    return Row(
        "Projects",
        [
            Table(
                title="Projects, all providers",
                queries=[cells(expr) for expr in (*spent, *bounds("project"))],
                columns=(
                    Column("project", "Project"),
                    Column("A", "Today", unit=DOLLARS),
                    Column("B", "Yesterday", unit=DOLLARS),
                    Column("C", "Month to date", unit=DOLLARS),
                    Column("D", "Projected", unit=DOLLARS),
                    Column("E", "Low end", unit=DOLLARS),
                    Column("F", "High end", unit=DOLLARS),
                ),
                sort="Month to date",
                descending=True,
                description="Each project's month with the band in which four of five months end. Talk to those whose "
                "projection is far above what they planned; an empty name is a key without a project.",
                width=24,
            ),
            TimeSeries(
                title="Cost per day by project",
                queries=[Query(topk(MAX_SERIES, days), "{{project}}", empty=Empty.TOO_YOUNG)],
                description="One bar for each whole day, the dearest projects of that day. New colours are new users; "
                "a colour that is gone is a project that stopped.",
                stacked=True,
                bars=True,
                interval="1d",
                width=12,
            ),
            TimeSeries(
                title="Tokens per minute by project, all providers",
                queries=[Query(topk(MAX_SERIES, tokens), "{{project}}")],
                description="Tokens of all types. Many tokens and few dollars: caches or small models do their work; "
                "the other way round is where to save.",
                width=12,
            ),
        ],
    )
