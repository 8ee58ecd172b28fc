"""Success, speed and price of every model, side by side, in one screen."""

from __future__ import annotations

from dashboards.llm import DOLLARS, MODELS
from dashboards.models.shares import BY, LEGEND, cached, calls, per_thousand, success, tokens
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Column, Query, Table, TimeSeries, cells
from dashboards.promql import Expr, aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_SECONDS = "llm_request_duration_seconds"


def row() -> Row:
    """Success and duration over time, cost of 1,000 calls, all models in a table."""
    return Row(
        "Comparison",
        [
            TimeSeries(
                title="Success",
                queries=[Query(topk(MAX_SERIES, _now("vteam:llm_request_success:ratio5m")), LEGEND, empty=Empty.QUIET)],
                description="Share of a model's calls of 5 minutes that succeeded. One model low: its name, limits or "
                "input; all of a provider: its service, or the key.",
                share=True,
            ),
            TimeSeries(
                title="Duration, 95 % are shorter",
                queries=[
                    Query(
                        topk(MAX_SERIES, _now("vteam:llm_request_duration:p95_5m").as_unit("s")),
                        LEGEND,
                        empty=Empty.QUIET,
                    )
                ],
                description="Calls of 5 minutes by model. A jump of one model on its own: the provider is busy; of "
                "all: the network, or longer answers are asked for.",
            ),
            Bars(
                title="Cost of 1,000 calls, 24 h",
                queries=[Query(topk(MAX_SERIES, per_thousand()), LEGEND, instant=True, empty=Empty.QUIET)],
                description="What 1,000 calls of a model cost on average, as they are: long prompts make it dear as "
                "well. Calls without a price count as free here, so see whether there are any.",
                share=False,
            ),
            Table(
                title="All models, 24 h",
                queries=[
                    cells(calls().rounded(), Empty.QUIET),
                    cells(success(), Empty.QUIET),
                    *(cells(MODELS.quantile(q, _SECONDS, BY, window="1h"), Empty.QUIET) for q in (0.5, 0.95, 0.99)),
                    cells(MODELS.quantile(0.95, "llm_time_to_first_token_seconds", BY, window="1h"), Empty.QUIET),
                    cells(tokens().rounded(), Empty.QUIET),
                    cells(cached(), Empty.QUIET),
                    cells(_now("vteam:llm_cost:increase1d").as_unit(DOLLARS), Empty.QUIET),
                    cells(per_thousand(), Empty.QUIET),
                ],
                columns=(
                    Column("provider", "Provider"),
                    Column("model", "Model"),
                    Column("A", "Calls", unit="short"),
                    Column("B", "Success", unit="percentunit"),
                    Column("C", "P50, 1 h", unit="s"),
                    Column("D", "P95, 1 h", unit="s"),
                    Column("E", "P99, 1 h", unit="s"),
                    Column("F", "First token P95, 1 h", unit="s"),
                    Column("G", "Tokens", unit="short"),
                    Column("H", "Cached input", unit="percentunit"),
                    Column("I", "Cost", unit=DOLLARS),
                    Column("J", "Per 1,000 calls", unit=DOLLARS),
                ),
                sort="Cost",
                descending=True,
                description="Every model that was called within 24 hours. Two models for the same work: move it to "
                "the one that succeeds as often for less; sort by a column's head.",
                width=24,
            ),
        ],
        collapsed=False,
    )


def _now(record: str) -> Expr:
    return aggregate("sum" if "increase" in record else "max", MODELS.recorded(record), BY)
