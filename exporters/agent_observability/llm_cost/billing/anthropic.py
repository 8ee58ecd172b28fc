"""Anthropic's usage and cost reports of an organization, by UTC days.

https://platform.claude.com/docs/en/manage-claude/usage-cost-api
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from agent_observability.llm_cost.billing.client import AdminClient, Clock, Pause
from agent_observability.llm_cost.billing.reports import (
    Costs,
    Count,
    Day,
    Page,
    Usage,
    Used,
    check_currency,
    day_of,
    decoder,
    model_name,
    next_page,
    pico_dollars,
    text_of,
    total_costs,
    total_usage,
    used,
)
from agent_observability.llm_cost.config import AccountConfig

__all__ = ["Anthropic", "decode_costs", "decode_usage"]

URL = "https://api.anthropic.com"
VERSION = "2023-06-01"

# Buckets of a day per page, at most.
_LIMIT = "31"


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _UsageResult(msgspec.Struct):
    model: str | None = None
    uncached_input_tokens: Count | None = None
    cache_creation: _CacheCreation | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None


class _UsageBucket(msgspec.Struct):
    starting_at: datetime
    results: list[_UsageResult] | None = None


class _UsagePage(msgspec.Struct):
    data: list[_UsageBucket]
    has_more: bool = False
    next_page: str | None = None


class _CostResult(msgspec.Struct):
    """`amount`: cents."""

    amount: Decimal | None = None
    currency: str | None = None


class _CostBucket(msgspec.Struct):
    starting_at: datetime
    results: list[_CostResult] | None = None


class _CostPage(msgspec.Struct):
    data: list[_CostBucket]
    has_more: bool = False
    next_page: str | None = None


_usage_page = decoder(_UsagePage)
_cost_page = decoder(_CostPage)


def decode_usage(body: bytes) -> Page[Usage]:
    """A page of the usage report of messages, which knows no numbers of calls. Raises AnswerError."""
    page = _usage_page(body)
    usage = total_usage(
        {_day(bucket.starting_at): {model_name(result.model): _used(result)}}
        for bucket in page.data
        for result in bucket.results or ()
    )
    return Page(usage, next_page(page.has_more, page.next_page))


def decode_costs(body: bytes) -> Page[Costs]:
    """A page of the cost report; a day without any costs 0. Raises AnswerError."""
    page = _cost_page(body)
    costs = total_costs(
        {_day(bucket.starting_at): _costs(bucket, f"$.data[{index}]")} for index, bucket in enumerate(page.data)
    )
    return Page(costs, next_page(page.has_more, page.next_page))


def _day(found: datetime) -> Day:
    return day_of((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _used(result: _UsageResult) -> Used:
    written = result.cache_creation or _CacheCreation()
    return used(
        input=result.uncached_input_tokens,
        cache_read=result.cache_read_input_tokens,
        cache_write=(written.ephemeral_5m_input_tokens or 0) + (written.ephemeral_1h_input_tokens or 0),
        output=result.output_tokens,
    )


def _costs(bucket: _CostBucket, path: str) -> int:
    total = 0
    for index, result in enumerate(bucket.results or ()):
        if result.amount is not None:
            where = f"{path}.results[{index}]"
            check_currency(result.currency, f"{where}.currency")
            total += pico_dollars(result.amount, 10, f"{where}.amount")
    return total


class Anthropic:
    """One organization."""

    def __init__(self, account: AccountConfig, *, clock: Clock = time.time, pause: Pause = asyncio.sleep) -> None:
        key = account.key.reveal()
        headers = {"x-api-key": key, "anthropic-version": VERSION}
        url = account.url or URL
        self.client = AdminClient(url, key, headers, timeout=account.timeout, clock=clock, pause=pause)

    async def usage(self, first: int) -> Usage:
        """From the day `first` until now. Raises BillingError."""
        parameters = [*_since(first), ("group_by[]", "model")]
        path = "/v1/organizations/usage_report/messages"
        return total_usage(await self.client.pages(path, parameters, decode_usage))

    async def costs(self, first: int) -> Costs:
        """From the day `first` until now. Raises BillingError."""
        return total_costs(await self.client.pages("/v1/organizations/cost_report", _since(first), decode_costs))


def _since(first: int) -> list[tuple[str, str]]:
    return [("starting_at", text_of(first)), ("bucket_width", "1d"), ("limit", _LIMIT)]
