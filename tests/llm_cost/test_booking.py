"""A use of a model goes in, exposition text and daily sums come out: through a real ledger."""

from __future__ import annotations

import contextlib
import threading
import zoneinfo
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.ledger.batch import Batch
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.queries import daily, events
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.booking import AMOUNTS, KIND, UTC_KIND, Booked, Booker, Stored
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.life import Life
from agent_observability.llm_cost.pricing.pricer import Pricer
from agent_observability.llm_cost.pricing.prices import parse
from agent_observability.llm_cost.usage import Tokens, Units, Usage
from tests.ledger.storage import DAY_MS, NOW, Storage, opened
from tests.ledger.test_contract import settled, shown
from tests.llm_cost.pushing import MODELS
from tests.support import examples

_FOLDED = (m.PROVIDER, m.MODEL, m.PROJECT, m.FEATURE)
_WHOSE = 'provider="anthropic",model="claude-sonnet-4-5",project="payments",feature="agent_execution"'
_PRICES = """
prices:
  - {provider: house, model: house-1, per_million: {input: 2, output: 4}}
  - {provider: house, model: house-free, per_million: {input: 0, output: 0}}
  - {provider: house, model: house-new, from: 2026-10-01, per_million: {input: 1}}
"""


def booker(zone: str = "UTC", prices: str = _PRICES, *, caps: dict[str, int] | None = None) -> Booker:
    pricer = Pricer(parse(prices, "prices.yaml"))
    return Booker(Calendar(zoneinfo.ZoneInfo(zone)), pricer, ["agent_execution"], Folding(_FOLDED, caps or {}))


def use(number: int = 0, **fields: Any) -> Usage:
    defaults: dict[str, Any] = {
        "timestamp": NOW + number,
        "id": f"payments/{number}",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "project": "payments",
        "feature": "agent_execution",
    }
    return Usage(**defaults | fields)


@contextlib.asynccontextmanager
async def keeping(storage: Storage, caps: dict[str, int] | None = None) -> AsyncIterator[tuple[LedgerFamilies, Ledger]]:
    store = LedgerFamilies("counted", m.COUNTED, caps)
    async with opened(storage.backend(), store) as ledger:
        yield store, ledger


async def text_of(storage: Storage, *usages: Usage, by: Booker | None = None, family: str = "llm_") -> list[str]:
    """What is exposed once these are committed."""
    by = by or booker()
    async with keeping(storage) as (store, ledger):
        await ledger.submit(Batch([by.book(usage).event for usage in usages]))
        await settled(store)
        return shown(store, family)


async def test_a_call_with_everything(sqlite: Storage) -> None:
    tokens = Tokens(
        input=1000, cache_read=2000, cache_write=100, cache_write_1h=200, output=500, reasoning=300, audio_input=0
    )
    lines = await text_of(sqlite, use(tokens=tokens, duration=1.5, first_token=0.01))
    assert [line for line in lines if "_bucket" not in line] == [
        f'llm_requests_total{{{_WHOSE},operation="chat",status="success"}} 1',
        f'llm_tokens_total{{{_WHOSE},type="input"}} 1000',
        f'llm_tokens_total{{{_WHOSE},type="cache_read"}} 2000',
        f'llm_tokens_total{{{_WHOSE},type="cache_write"}} 300',
        f'llm_tokens_total{{{_WHOSE},type="output"}} 500',
        f"llm_reasoning_tokens_total{{{_WHOSE}}} 300",
        # By hand, dollars per million: input 3, read 0.3, written 3.75 or for an hour 6, output 15.
        f'llm_cost_usd_total{{{_WHOSE},type="input",cost_source="estimated"}} 0.003',
        f'llm_cost_usd_total{{{_WHOSE},type="cache_read",cost_source="estimated"}} 0.0006',
        f'llm_cost_usd_total{{{_WHOSE},type="cache_write",cost_source="estimated"}} 0.001575',
        f'llm_cost_usd_total{{{_WHOSE},type="output",cost_source="estimated"}} 0.0075',
        'llm_request_duration_seconds_sum{provider="anthropic",model="claude-sonnet-4-5",operation="chat"} 1.5',
        'llm_request_duration_seconds_count{provider="anthropic",model="claude-sonnet-4-5",operation="chat"} 1',
        'llm_time_to_first_token_seconds_sum{provider="anthropic",model="claude-sonnet-4-5",operation="chat"} 0.01',
        'llm_time_to_first_token_seconds_count{provider="anthropic",model="claude-sonnet-4-5",operation="chat"} 1',
    ]
    edges = dict(line.rsplit(" ", 1) for line in lines if "duration_seconds_bucket" in line)
    assert {labels.partition('le="')[2][:-2]: count for labels, count in edges.items() if count == "0"}.keys() == {
        *("0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.28")
    }


async def test_nothing_is_born_that_was_not_used(sqlite: Storage) -> None:
    assert await text_of(sqlite, use()) == [f'llm_requests_total{{{_WHOSE},operation="chat",status="success"}} 1']


async def test_sums_of_no_known_calls(sqlite: Storage) -> None:
    """As metrics tell them: tokens, and how many calls they were is told elsewhere or nowhere."""
    lines = await text_of(sqlite, use(tokens=Tokens(output=7), requests=0, aggregated=True))
    assert lines == [
        f'llm_tokens_total{{{_WHOSE},type="output"}} 7',
        f'llm_cost_usd_total{{{_WHOSE},type="output",cost_source="estimated"}} 0.000105',
    ]


async def test_what_tells_nothing_is_stored_all_the_same(sqlite: Storage) -> None:
    by = booker()
    async with keeping(sqlite) as (store, ledger):
        assert (await ledger.submit(Batch([by.book(use(requests=0, aggregated=True)).event]))).stored == (True,)
        await settled(store)
        assert shown(store, "llm_") == []


@pytest.mark.parametrize(
    ("status", "told", "counted"),
    [
        ("error", "rate_limited", "rate_limited"),
        ("error", "", "other"),
        ("error", "something new", "other"),
        ("timeout", "", "timeout"),
        ("timeout", "overloaded", "timeout"),
        ("success", "overloaded", None),
    ],
)
async def test_errors_by_type(sqlite: Storage, status: str, told: str, counted: str | None) -> None:
    lines = await text_of(sqlite, use(status=status, error_type=told), family="llm_request")
    assert lines[0] == f'llm_requests_total{{{_WHOSE},operation="chat",status="{status}"}} 1'
    model = 'provider="anthropic",model="claude-sonnet-4-5"'
    assert lines[1:] == ([f'llm_request_errors_total{{{model},error_type="{counted}"}} 1'] if counted else [])


async def test_what_the_configuration_does_not_know_is_other(sqlite: Storage) -> None:
    [line] = await text_of(sqlite, use(feature="secret project", operation="dance"))
    whose = _WHOSE.replace("agent_execution", "other")
    assert line == f'llm_requests_total{{{whose},operation="other",status="success"}} 1'


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"provider": "house", "model": "house-2"}, "unknown_model"),
        ({"provider": "unknown", "model": "nobody-knows"}, "unknown_provider"),
        ({"provider": "house", "model": "house-new"}, "no_date"),
    ],
)
async def test_calls_without_a_price(sqlite: Storage, fields: dict[str, str], reason: str) -> None:
    lines = await text_of(sqlite, use(tokens=Tokens(input=1), **fields), family="llm_")
    provider, model = fields["provider"], fields["model"]
    assert f'llm_unpriced_requests_total{{provider="{provider}",model="{model}",reason="{reason}"}} 1' in lines
    assert not [line for line in lines if line.startswith("llm_cost")]


async def test_what_is_free_is_not_without_a_price(sqlite: Storage) -> None:
    lines = await text_of(sqlite, use(provider="house", model="house-free", tokens=Tokens(input=1000)))
    assert [line.partition("{")[0] for line in lines] == ["llm_requests_total", "llm_tokens_total"]


async def test_a_reported_cost_is_split_like_the_estimate(sqlite: Storage) -> None:
    """And stays what was reported to the last pico-dollar; without an estimate it is not split."""
    cost = 1_000_000_000_001
    usages = (
        use(0, provider="house", model="house-1", tokens=Tokens(input=1, output=1), cost=cost),
        use(1, provider="house", model="house-2", tokens=Tokens(input=1), cost=cost),
        use(2, provider="house", model="house-1", cost=0),
    )
    by = booker()
    booked = [by.book(usage) for usage in usages]
    assert [one.pico for one in booked] == [cost, cost, 0]
    lines = await text_of(sqlite, *usages, by=by, family="llm_cost")
    house = 'provider="house",model="house-{}",project="payments",feature="agent_execution"'
    assert lines == [
        f'llm_cost_usd_total{{{house.format(1)},type="input",cost_source="reported"}} 0.333333333334',
        f'llm_cost_usd_total{{{house.format(1)},type="output",cost_source="reported"}} 0.666666666667',
        f'llm_cost_usd_total{{{house.format(2)},type="unsplit",cost_source="reported"}} 1.000000000001',
    ]


async def test_other_measures(sqlite: Storage) -> None:
    usage = use(provider="openai", model="whisper-1", operation="transcription", units=Units(audio_seconds=30))
    lines = await text_of(sqlite, usage, family="llm_cost")
    whose = 'provider="openai",model="whisper-1",project="payments",feature="agent_execution"'
    # 0.6 cents a minute.
    assert lines == [f'llm_cost_usd_total{{{whose},type="audio_seconds",cost_source="estimated"}} 0.003']


@pytest.mark.parametrize(("name", "prices"), MODELS.items(), ids=[model for _, model in MODELS])
def test_published_prices_are_exact(name: tuple[str, str], prices: dict[str, int]) -> None:
    """Not a pico-dollar more, whatever the number of tokens."""
    provider, model = name
    by = booker(prices="")
    for number in (1, 3, 7, 1000, 1001, 19_999):
        for type_, price in prices.items():
            usage = use(provider=provider, model=model, tokens=Tokens(**{type_: number}))
            assert by.book(usage).pico == number * price, (model, type_, number)


_counts = st.integers(0, 20_000)


@settings(max_examples=examples(200))
@given(st.sampled_from(list(MODELS)), st.tuples(_counts, _counts, _counts, _counts))
def test_parts_are_the_sum(name: tuple[str, str], numbers: tuple[int, int, int, int]) -> None:
    """What goes to counters, to the day, to the provider's day and to the books is one sum."""
    types = ("input", "cache_read", "cache_write", "output")
    given_ = {type_: number for type_, number in zip(types, numbers, strict=True) if type_ in MODELS[name]}
    booked = _BOOKER.book(use(provider=name[0], model=name[1], tokens=Tokens(**given_)))
    truth = sum(number * MODELS[name][type_] for type_, number in given_.items())
    event = booked.event
    assert event.shape is not None
    slots = zip(event.shape.slots, event.added, strict=True)
    costs = [amount for (metric, _, _), amount in slots if metric is m.COST]
    assert sum(costs) == booked.pico == event.amounts[AMOUNTS.index("pico_usd")] == truth
    assert [share.amounts for share in event.shares] == ([(truth,)] if truth else [])
    assert msgspec.json.decode(event.data, type=Stored).cost == truth


_BOOKER = booker("Asia/Tokyo")


async def test_days_of_the_zone_and_of_utc(sqlite: Storage) -> None:
    """At 20:30 UTC it is tomorrow in Tokyo; providers bill by UTC, whatever the zone."""
    evening = round(datetime(2026, 9, 20, 20, 30, tzinfo=UTC).timestamp() * 1000)
    by = booker("Asia/Tokyo")
    morning = evening - 10 * 3_600_000
    async with keeping(sqlite) as (_, ledger):
        usages = [
            use(timestamp=evening, id="a", tokens=Tokens(input=10)),
            use(timestamp=morning, id="b", tokens=Tokens(input=1)),
            use(timestamp=evening, id="c", provider="house", model="house-2", tokens=Tokens(input=5)),
        ]
        await ledger.submit(Batch([by.book(usage).event for usage in usages]))
        of_zone = daily(ledger.backend, kinds=[KIND])
        of_utc = daily(ledger.backend, kinds=[UTC_KIND])
    day = evening // DAY_MS
    anthropic = ("anthropic", "claude-sonnet-4-5", "payments", "agent_execution")
    found = {(row.day - day, row.labels): dict(zip(AMOUNTS, row.amounts, strict=True)) for row in of_zone}
    assert {key: (sums["requests"], sums["input"], sums["pico_usd"]) for key, sums in found.items()} == {
        (0, anthropic): (1, 1, 3_000_000),
        (1, anthropic): (1, 10, 30_000_000),
        (1, ("house", "house-2", "payments", "agent_execution")): (1, 5, 0),
    }
    assert sum(sums["unpriced"] for sums in found.values()) == 1
    assert [(row.day - day, row.labels, row.events, row.amounts) for row in of_utc] == [
        (0, ("anthropic",), 2, (33_000_000,))
    ]


async def test_days_of_utc_are_not_kept_twice(sqlite: Storage) -> None:
    """Whoever changes the zone later finds them all the same."""
    by = booker()
    moment = NOW - 5 * DAY_MS
    event = by.book(use(timestamp=moment, tokens=Tokens(input=10))).event
    assert event.shares == ()
    async with keeping(sqlite) as (_, ledger):
        await ledger.submit(Batch([event]))
        life = Life(
            LlmCostConfig(time_zone="Asia/Tokyo"),
            by.pricer,
            Folding(_FOLDED, {}),
            delayed=lambda _source, _seconds: None,
        )
        life.read(ledger.backend, NOW / 1000)
    day = moment // DAY_MS
    assert [life.books.metered("anthropic", one, one) for one in (day - 1, day, day + 1)] == [0, 30_000_000, 0]


async def test_a_duplicate_changes_nothing(sqlite: Storage) -> None:
    by = booker()
    once = use(tokens=Tokens(input=5))
    async with keeping(sqlite) as (store, ledger):
        for _ in range(3):
            await ledger.submit(Batch([by.book(once).event]))
        await settled(store)
        assert shown(store, "llm_tokens") == [f'llm_tokens_total{{{_WHOSE},type="input"}} 5']
        [row] = daily(ledger.backend, kinds=[KIND])
        assert (row.events, row.amounts[0]) == (1, 1)


async def test_junk_models_are_folded_and_no_dollar_is_lost(sqlite: Storage) -> None:
    """3,000 models for places of 200: series, dimensions and what is remembered stay bounded."""
    by = booker()
    total = 3_000
    async with keeping(sqlite) as (store, ledger):
        for first in range(0, total, 500):
            usages = [use(n, model=f"junk-{n}", tokens=Tokens(input=1), cost=n) for n in range(first, first + 500)]
            await ledger.submit(Batch([by.book(usage).event for usage in usages]))
        await settled(store)
        requests = shown(store, "llm_requests_total{")
        assert len(requests) == 201
        assert sum(int(line.rsplit(" ", 1)[1]) for line in requests) == total
        overflow = [line for line in shown(store, "llm_cost_usd_total{") if "__overflow__" in line]
        assert float(overflow[0].rsplit(" ", 1)[1]) == sum(range(200, total)) / m.PICO
        assert len({event.labels for event in events(ledger.backend)}) == 201
        rows = daily(ledger.backend, kinds=[KIND])
        assert len(rows) == 201
        assert sum(row.amounts[AMOUNTS.index("pico_usd")] for row in rows) == sum(range(total))


def test_threads_agree() -> None:
    """Pushes and repricing work at the same time."""
    by = booker(caps={"model": 50})
    found: list[list[Booked]] = []

    def work() -> None:
        found.append([by.book(use(n, model=f"m{n % 80}", tokens=Tokens(input=n))) for n in range(2_000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all([one.event.labels for one in each] == [one.event.labels for one in found[0]] for each in found)
    assert len({one.event.labels[1] for one in found[0]}) == 51


async def test_repricing_goes_where_the_event_went(sqlite: Storage) -> None:
    """Though the feature is not configured any more: the day's sums come out even."""
    before, after = booker(), booker(prices=_PRICES + "  - {provider: house, model: house-2, per_million: {input: 3}}")
    usage = use(provider="house", model="house-2", tokens=Tokens(input=1000), requests=3, aggregated=True)
    other = Booker(Calendar(zoneinfo.ZoneInfo("UTC")), after.pricer, ["something else"], Folding(_FOLDED, {}))
    async with keeping(sqlite) as (store, ledger):
        await ledger.submit(Batch([before.book(usage).event]))
        [stored] = events(ledger.backend)
        again = msgspec.json.decode(stored.data, type=Stored)
        assert again.reason == "unknown_model"
        assert before.reprice(stored.timestamp, stored.id, stored.labels, again) is None
        booked = other.reprice(stored.timestamp, stored.id, stored.labels, again)
        assert booked is not None
        assert (booked.pico, booked.key) == (3 * 10**9, ("house", "payments", "agent_execution"))
        for _ in range(2):
            await ledger.submit(Batch([booked.event]))
        await settled(store)
        [row] = daily(ledger.backend, kinds=[KIND])
        sums = dict(zip(AMOUNTS, row.amounts, strict=True))
        lines = shown(store, "llm_")
    assert (sums["requests"], sums["unpriced"], sums["pico_usd"], sums["input"]) == (3, 0, 3 * 10**9, 1000)
    whose = 'provider="house",model="house-2",project="payments",feature="agent_execution"'
    assert f'llm_cost_usd_total{{{whose},type="input",cost_source="repriced"}} 0.003' in lines
    # A counter never falls: what was without a price once stays counted as that.
    assert 'llm_unpriced_requests_total{provider="house",model="house-2",reason="unknown_model"} 3' in lines
