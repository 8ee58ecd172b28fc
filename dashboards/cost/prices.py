"""Prices: which are used, how old they are, and which are missing."""

from __future__ import annotations

from dashboards.cost.limits import above_product
from dashboards.cost.money import MoneyPie
from dashboards.llm import DOLLARS, PROVIDERS, SPEND, SUITE
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Column, Query, Table, TimeSeries, cells
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_TYPES = {
    "input": "Input",
    "cache_read": "Cache read",
    "cache_write": "Cache write",
    "output": "Output",
    "audio_input": "Audio input",
    "audio_output": "Audio output",
}
_MODEL = ("provider", "model")


def row() -> Row:
    """Calls without a price, where figures come from, the age of the prices, and every price in use."""
    unpriced = PROVIDERS.increase("llm_unpriced_requests_total", "$__range")
    sources = aggregate("sum", SPEND.increase("llm_cost_usd_total", "1d"), ("cost_source",))
    stamp = "llm_price_data_timestamp_seconds"
    return Row(
        "Prices, and calls without one",
        [
            Bars(
                title="Calls without a price (all projects)",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("sum", unpriced, (*_MODEL, "reason")).rounded().positive()),
                        "{{provider}} {{model}} {{reason}}",
                        instant=True,
                        empty=Empty.QUIET,
                    )
                ],
                description="Calls within the time chosen above whose cost is unknown, by what is missing. Add the "
                "price to prices.yaml from the date it holds; agent-obs reprice then counts them.",
                thresholds=alert_thresholds("LlmRequestsUnpriced", "llm_unpriced_requests_total"),
                share=False,
            ),
            MoneyPie(
                title="Where figures come from, 24 h",
                queries=[Query(sources, "{{cost_source}}", instant=True)],
                description="Dollars that callers reported, that were estimated from prices, and that were priced "
                "later. Much of it reported: these figures are as right as the callers are.",
            ),
            TimeSeries(
                title="Age of the price data, all providers (all projects)",
                queries=[Query(SUITE.gauge(stamp).age(), "{{instance}}")],
                description="Time since the prices were collected. They come with the package: upgrade it, or put "
                "what has changed into prices.yaml.",
                thresholds=above_product("LlmPriceDataOld", stamp),
            ),
            Table(
                title="Dollars per million tokens (all projects)",
                queries=[
                    cells(
                        aggregate("max", PROVIDERS.gauge("llm_price_usd_per_million_tokens", type=kind), _MODEL),
                        Empty.NOT_SOLD,
                    )
                    for kind in _TYPES
                ],
                columns=(
                    Column("provider", "Provider"),
                    Column("model", "Model"),
                    *(
                        Column(chr(ord("A") + index), title, unit=DOLLARS)
                        for index, title in enumerate(_TYPES.values())
                    ),
                ),
                sort="Output",
                descending=True,
                description="Today's list prices of the models seen, without tiers and discounts. Compare with your "
                "contract: what differs belongs into prices.yaml. No price: the type is not sold, or unknown.",
                width=24,
            ),
        ],
    )
