"""What providers bill, next to what was metered, and whether their reports are read."""

from __future__ import annotations

from dashboards.cost.limits import outside
from dashboards.llm import DOLLARS, PROVIDERS, SUITE, day, each_day
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Column, Query, States, Table, TimeSeries, cells
from dashboards.promql import Expr, aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BILLED = "llm_provider_billed_usd"
_RATIO = "llm_cost_capture_ratio"


def row() -> Row:
    """Billed and metered dollars and tokens, the capture ratio, polls."""
    ratio = PROVIDERS.gauge(_RATIO)
    capture = outside("LlmCostCaptureOff", _RATIO)
    days = {
        "billed": each_day(PROVIDERS.gauge(_BILLED, window="yesterday")),
        "metered": each_day(PROVIDERS.gauge("llm_cost_yesterday_usd")),
    }
    tokens = {
        "reported": PROVIDERS.increase("llm_provider_tokens_total", "1d"),
        "metered": day(PROVIDERS.recorded("vteam:llm_tokens:rate5m")),
    }
    return Row(
        "Billed and metered",
        [
            Table(
                title="Providers, billed and metered (all projects)",
                queries=[
                    cells(_sum(expr))
                    for expr in (
                        PROVIDERS.gauge("llm_cost_yesterday_usd"),
                        PROVIDERS.gauge(_BILLED, window="yesterday"),
                        PROVIDERS.gauge("llm_cost_month_to_date_usd"),
                        PROVIDERS.gauge(_BILLED, window="month_to_date"),
                        ratio,
                        ratio,
                    )
                ],
                columns=(
                    Column("provider", "Provider"),
                    Column("F", "State", states=capture),
                    Column("E", "Metered of billed", unit="percentunit"),
                    Column("A", "Metered yesterday", unit=DOLLARS),
                    Column("B", "Billed yesterday", unit=DOLLARS),
                    Column("C", "Metered this month", unit=DOLLARS),
                    Column("D", "Billed this month", unit=DOLLARS),
                ),
                sort="Metered this month",
                descending=True,
                description="Bills go by days of UTC and come late, so judge by the share: it counts the days from "
                "eight to two days ago. Never add billed and metered: they are the same dollars, seen twice.",
                width=16,
            ),
            TimeSeries(
                title="Metered of billed (all projects)",
                queries=[Query(ratio, "{{provider}}")],
                description="Metered dollars by billed ones, of the days from eight to two days ago. Too low: somebody "
                "calls models past the intake. Too high: calls arrive twice, or a discount is not in prices.yaml.",
                thresholds=capture,
            ),
            TimeSeries(
                title="Cost per day, billed and metered (all projects)",
                queries=[
                    Query(topk(MAX_SERIES, _sum(expr)), f"{{{{provider}}}} {words}", empty=Empty.TOO_YOUNG)
                    for words, expr in days.items()
                ],
                description="Two bars for each day and provider, about as high as each other. Where they part, look "
                "for a caller that is not metered; bills of the last two days may still change.",
                bars=True,
                interval="1d",
                width=12,
            ),
            TimeSeries(
                title="Tokens of 24 hours, reported and metered (all projects)",
                queries=[
                    Query(topk(MAX_SERIES, _sum(expr)), f"{{{{provider}}}} {words}") for words, expr in tokens.items()
                ],
                description="Tokens by the provider's usage report, and by the callers' events. Equal tokens and "
                "unequal dollars: a price is wrong. Unequal tokens: calls are missing, or counted twice.",
                interval="6h",
                width=12,
            ),
            States(
                title="Last poll of each report, all providers (all projects)",
                queries=[Query(SUITE.gauge("llm_poll_success"), "{{source}}")],
                description="Whether the provider's report could be read. If not, the exporter's landing page says "
                "why: most often the key was revoked, or is no admin's.",
                thresholds=alert_thresholds("LlmBillingPollFailing", "llm_poll_success"),
                width=8,
            ),
            TimeSeries(
                title="Time since a poll succeeded, all providers (all projects)",
                queries=[Query(SUITE.gauge("llm_poll_last_success_timestamp_seconds").age(), "{{source}}")],
                description="It falls to 0 with every poll. Growing in a straight line: what is billed stands still "
                "here, while metering goes on; bills are read again from there later.",
            ),
            TimeSeries(
                title="How long polls take, all providers (all projects)",
                queries=[Query(SUITE.gauge("llm_poll_duration_seconds"), "{{source}}")],
                description="Pages of a report are read one after the other. Near the account's timeout, or slow "
                "because the provider makes it wait: give the account a longer interval.",
            ),
        ],
    )


def _sum(expr: Expr) -> Expr:
    return aggregate("sum", expr, ("provider",))
