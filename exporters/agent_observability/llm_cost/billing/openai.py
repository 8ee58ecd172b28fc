"""OpenAI's usage and costs of an organization, by UTC days.

https://platform.openai.com/docs/api-reference/usage
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import msgspec

from agent_observability.llm_cost.billing.client import AdminClient, Clock, Pause
from agent_observability.llm_cost.billing.reports import (
    DAY_SECONDS,
    Costs,
    Count,
    Page,
    Usage,
    Used,
    check_currency,
    day_of,
    decoder,
    model_name,
    next_page,
    pico_dollars,
    total_costs,
    total_usage,
    used,
)
from agent_observability.llm_cost.config import AccountConfig

__all__ = ["ENDPOINTS", "OpenAI", "decode_costs", "decode_usage"]

URL = "https://api.openai.com"
ENDPOINTS = {
    "completions": ("model", "batch"),
    "embeddings": ("model",),
    "moderations": ("model",),
    "images": ("model",),
    "audio_speeches": ("model",),
    "audio_transcriptions": ("model",),
}
"""What is asked for, and by what it is grouped. Sessions, searches and storage have no tokens: only the costs tell."""

# Buckets of a day per page, at most.
_USAGE_LIMIT = "31"
_COSTS_LIMIT = "180"
# Far from any time that a report is about, and within what a date can be.
_Seconds = Count


class _UsageResult(msgspec.Struct):
    """Fields of all endpoints; each has a part of them."""

    model: str | None = None
    num_model_requests: Count | None = None
    input_tokens: Count | None = None
    input_uncached_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    output_tokens: Count | None = None
    output_audio_tokens: Count | None = None


class _UsageBucket(msgspec.Struct):
    start_time: _Seconds
    results: list[_UsageResult] | None = None


class _UsagePage(msgspec.Struct):
    data: list[_UsageBucket]
    has_more: bool = False
    next_page: str | None = None


class _Amount(msgspec.Struct):
    """`value`: dollars, as a number or as text."""

    value: Decimal | None = None
    currency: str | None = None


class _CostResult(msgspec.Struct):
    amount: _Amount | None = None


class _CostBucket(msgspec.Struct):
    start_time: _Seconds
    results: list[_CostResult] | None = None


class _CostPage(msgspec.Struct):
    data: list[_CostBucket]
    has_more: bool = False
    next_page: str | None = None


_usage_page = decoder(_UsagePage)
_cost_page = decoder(_CostPage)


def decode_usage(body: bytes) -> Page[Usage]:
    """A page of any usage endpoint. Raises AnswerError."""
    page = _usage_page(body)
    usage = total_usage(
        {day_of(bucket.start_time): {model_name(result.model): _used(result)}}
        for bucket in page.data
        for result in bucket.results or ()
    )
    return Page(usage, next_page(page.has_more, page.next_page))


def decode_costs(body: bytes) -> Page[Costs]:
    """A page of costs; a day without any costs 0. Raises AnswerError."""
    page = _cost_page(body)
    costs = total_costs(
        {day_of(bucket.start_time): _costs(bucket, f"$.data[{index}]")} for index, bucket in enumerate(page.data)
    )
    return Page(costs, next_page(page.has_more, page.next_page))


def _used(result: _UsageResult) -> Used:
    cached, written = result.input_cached_tokens or 0, result.input_cache_write_tokens or 0
    audio, spoken = result.input_audio_tokens or 0, result.output_audio_tokens or 0
    taken, given = result.input_tokens or 0, result.output_tokens or 0
    fresh = taken - cached - written
    if result.input_uncached_tokens is not None or result.input_text_tokens is not None:
        # Only lately do the totals hold audio; until then they were of text, and audio stood beside them.
        fresh = (fresh if result.input_uncached_tokens is None else result.input_uncached_tokens) - audio
        given -= spoken
    return used(
        requests=result.num_model_requests,
        input=max(fresh, 0),
        cache_read=cached,
        cache_write=written,
        output=max(given, 0),
        audio_input=audio,
        audio_output=spoken,
    )


def _costs(bucket: _CostBucket, path: str) -> int:
    total = 0
    for index, result in enumerate(bucket.results or ()):
        amount = result.amount
        if amount is not None and amount.value is not None:
            where = f"{path}.results[{index}].amount"
            check_currency(amount.currency, f"{where}.currency")
            total += pico_dollars(amount.value, 12, f"{where}.value")
    return total


class OpenAI:
    """One organization."""

    def __init__(self, account: AccountConfig, *, clock: Clock = time.time, pause: Pause = asyncio.sleep) -> None:
        key = account.key.reveal()
        headers = {"Authorization": f"Bearer {key}"}
        url = account.url or URL
        self.client = AdminClient(url, key, headers, timeout=account.timeout, clock=clock, pause=pause)

    async def usage(self, first: int) -> Usage:
        """From the day `first` until now. Raises BillingError."""
        found: list[Usage] = []
        for endpoint, groups in ENDPOINTS.items():
            parameters = [
                *_since(first),
                ("limit", _USAGE_LIMIT),
                *(("group_by", group) for group in groups),
            ]
            found += await self.client.pages(f"/v1/organization/usage/{endpoint}", parameters, decode_usage)
        return total_usage(found)

    async def costs(self, first: int) -> Costs:
        """From the day `first` until now. Raises BillingError."""
        # Not grouped, which would only multiply what is summed up again: by 1,000 for 50 projects of 20 models.
        parameters = [*_since(first), ("limit", _COSTS_LIMIT)]
        return total_costs(await self.client.pages("/v1/organization/costs", parameters, decode_costs))


def _since(first: int) -> list[tuple[str, str]]:
    return [("start_time", str(first * DAY_SECONDS)), ("bucket_width", "1d")]
