"""Families of a ledger: what is exposed when, exactly; expiry, changed layouts, exemplars."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.exemplar import Exemplar
from agent_observability.exposition import Format, write
from agent_observability.ledger.batch import Batch, Count, count, observe
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies, Pending, layout
from agent_observability.ledger.ledger import Ledger
from agent_observability.metric import Kind, Label, Metric
from tests.collectors import scraped
from tests.ledger.storage import COST, NOW, PICO, REQUESTS, SECONDS, Storage, batch, event, families, opened
from tests.ledger.test_contract import shown
from tests.support import wait_until_async

_YES = ("m", "yes")


def committed(store: LedgerFamilies, *counts: Count) -> None:
    """What the writer does, without storage."""
    pending = store.births()
    store.sum(pending, counts)
    store.rows(pending, 1, 0)
    store.publish(pending, 0)


def exposed(*metrics: Metric) -> LedgerFamilies:
    store = families(*metrics)
    store.load([], {}, 0)
    store.exposed_until = float("inf")
    store.wake = lambda: committed(store)
    return store


def total(store: LedgerFamilies, name: str) -> str:
    [line] = [line for line in shown(store, name) if line.startswith(f"{name}{{") or line.startswith(f"{name} ")]
    return line.rsplit(" ", 1)[1]


@given(st.lists(st.lists(st.integers(0, 10**24), max_size=20), max_size=10))
def test_money_is_exact_inside_and_rounded_once_outside(batches: Sequence[Sequence[int]]) -> None:
    """Sums far beyond 2^53 pico-dollars, in any grouping: what is shown is the double nearest to the true sum."""
    store = exposed(COST)
    for amounts in batches:
        committed(store, *(count(COST, ("m",), amount) for amount in amounts))
    if any(batches):
        truth = sum(map(sum, batches))
        assert float(total(store, "cost_usd_total")) == float(Fraction(truth, PICO))


@given(st.lists(st.integers(0, 2**80), min_size=1, max_size=30))
def test_counters_beyond_doubles_stay_exact(amounts: Sequence[int]) -> None:
    """Also through their stored form, which any later process continues from."""
    store = exposed(REQUESTS)
    for amount in amounts:
        committed(store, count(REQUESTS, _YES, amount))
    assert int(total(store, "requests_total")) == sum(amounts)
    pending = store.everything()
    new, _ = store.rows(pending, 1, 0)
    again = families(REQUESTS)
    again.load(new, {}, 0)
    again.exposed_until = float("inf")
    again.wake = lambda: committed(again)
    if any(amounts):
        committed(again, count(REQUESTS, _YES, 1))
        assert int(total(again, "requests_total")) == sum(amounts) + 1


def test_a_hundred_million_pico_dollar_amounts() -> None:
    """As many as a busy month has requests, of a published price per token that no double holds exactly."""
    store = exposed(COST)
    per_batch, batches = 100_000, 1_000
    for _ in range(batches):
        committed(store, count(COST, ("m",), 150_001 * per_batch))
    committed(store, count(COST, ("m",), 1))
    truth = 150_001 * per_batch * batches + 1
    assert float(total(store, "cost_usd_total")) == float(Fraction(truth, PICO))
    assert store.everything().amounts.keys()
    [series] = store.everything().amounts
    assert series.values == [truth]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_histograms_count_every_observation(values: Sequence[float]) -> None:
    store = exposed(SECONDS)
    for value in values:
        committed(store, observe(SECONDS, ("m",), value))
    lines = dict(line.rsplit(" ", 1) for line in shown(store, "wait"))
    for edge in (0.1, 1.0, 10.0):
        assert int(lines[f'wait_seconds_bucket{{model="m",le="{edge}"}}']) == sum(value <= edge for value in values)
    assert int(lines['wait_seconds_count{model="m"}']) == len(values)
    truth = Fraction(sum(round(value * 10**9) for value in values), 10**9)
    assert float(lines['wait_seconds_sum{model="m"}']) == float(truth)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1])
def test_what_belongs_to_no_bucket(value: float) -> None:
    with pytest.raises(ValueError, match="wait_seconds cannot observe"):
        observe(SECONDS, ("m",), value)


def test_what_a_counter_cannot_count() -> None:
    with pytest.raises(ValueError, match="requests_total cannot count -1"):
        count(REQUESTS, _YES, -1)
    with pytest.raises(TypeError, match=r"requests_total counts whole units, not 1\.0"):
        count(REQUESTS, _YES, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a ledger keeps counters and histograms, not up"):
        families(Metric("up", Kind.GAUGE, "Up"))


def test_exemplars_come_with_what_they_are_of() -> None:
    store = exposed()
    trace = Exemplar({"trace_id": "abc"}, 1_700_000_000)
    committed(store, count(REQUESTS, _YES, 1, trace), observe(SECONDS, ("m",), 0.5, trace))
    shown(store)
    text = write(scraped(store), Format.OPENMETRICS).decode()
    assert 'requests_total{model="m",ok="yes"} 1 # {trace_id="abc"} 1.0 1700000000' in text
    assert 'le="1.0"} 1 # {trace_id="abc"} 0.5 1700000000' in text
    assert "#" not in next(line for line in text.splitlines() if 'le="10.0"' in line)


def test_nothing_is_shown_of_what_is_not_committed() -> None:
    """And a series that its transaction lost is at 0, never at what was not stored."""
    store = exposed()
    store.sum(Pending(), [count(REQUESTS, _YES, 5)])
    assert total(store, "requests_total") == "0"
    committed(store, count(REQUESTS, _YES, 2))
    assert total(store, "requests_total") == "2"


async def test_series_that_expire_restart_at_0(storage: Storage) -> None:
    """Shown as born again, so that `increase()` sees their new life from its first count."""
    now = NOW / 1000
    store = families(ttl={REQUESTS: 60})
    async with opened(storage.backend(), store, clock=lambda: now) as ledger:
        await ledger.submit(Batch((event(1), event(2, model="n"))))
        now += 50
        await ledger.submit(Batch((event(3, model="n"),)))
        assert len(shown(store, "requests_total{")) == 2
        now += 11
        await wait_until_async(lambda: len(shown(store, "requests_total{")) == 1)
        assert shown(store, "requests_total{") == ['requests_total{model="n",ok="yes"} 2']
        await ledger.submit(batch(4))
        lines = write(scraped(store), Format.TEXT).decode().splitlines()
        assert 'requests_total{model="m",ok="yes"} 0' in lines
        assert 'requests_total{model="m",ok="yes"} 1' in shown(store)
    again = families(ttl={REQUESTS: 60})
    async with opened(storage.backend(), again, clock=lambda: now + 55):
        await wait_until_async(lambda: shown(again, "requests_total{") == ['requests_total{model="m",ok="yes"} 1'])


@pytest.mark.parametrize(
    "change",
    [
        {"labels": (Label("model", cap=3), Label("other"))},
        {"labels": (Label("model", cap=3),)},
        {"scale": 1000},
    ],
    ids=["label renamed", "label gone", "scale"],
)
async def test_a_family_with_another_layout_restarts_at_0(
    storage: Storage, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """Its old numbers mean something else; its neighbours keep theirs."""
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch((event(1, count(COST, ("m",), PICO)),)))
    changed = dataclasses.replace(REQUESTS, **change)  # type: ignore[arg-type]
    labels = ("m", "x")[: len(changed.labels)]
    for expected in (1, 2):
        store = families(changed, COST)
        async with opened(storage.backend(), store) as ledger:
            await ledger.submit(Batch(counts=(count(changed, labels, changed.scale),)))
            assert float(total(store, "requests_total")) == expected
            assert total(store, "cost_usd_total") == "1.0"
    assert caplog.text.count("restart at 0, as their families have other labels or buckets now: requests_total") == 1


async def test_changed_buckets_restart_the_histogram(storage: Storage) -> None:
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch(counts=(observe(SECONDS, ("m",), 0.5),)))
    other = dataclasses.replace(SECONDS, buckets=(0.2, 1, 10))
    store = families(other)
    async with opened(storage.backend(), store):
        assert shown(store) == []


async def test_counters_of_a_family_that_is_gone_are_kept(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    """For the older version that may come back."""
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(batch(1))
    async with opened(storage.backend(), families(COST)) as ledger:
        await ledger.submit(Batch(counts=(count(COST, ("m",), PICO),)))
    assert "keeps counters that nothing exposes (any more): requests_total" in caplog.text
    store = families()
    async with opened(storage.backend(), store):
        assert (total(store, "requests_total"), total(store, "cost_usd_total")) == ("1", "1.0")


async def test_two_exporters_share_a_ledger(storage: Storage) -> None:
    """Each has its own families and caps; what one event counts in both is committed together."""
    theirs = Metric("theirs_total", Kind.COUNTER, "Theirs", (Label("model", cap=1),))
    one, two = families(), LedgerFamilies("other", (theirs,))
    async with opened(storage.backend(), one, two) as ledger:
        for number, model in enumerate("ab"):
            await ledger.submit(Batch((event(number, count(theirs, (model,)), model=model),)))
    one, two = families(), LedgerFamilies("other", (theirs,))
    async with opened(storage.backend(), one, two) as ledger:
        await ledger.submit(Batch((event(9, count(theirs, ("b",)), model="b"),)))
        assert shown(two, "theirs") == ['theirs_total{model="a"} 1', 'theirs_total{model="__overflow__"} 2']
        assert [line[-1] for line in shown(one, "requests_total{")] == ["1", "2"]


def test_a_family_has_one_keeper(sqlite: Storage) -> None:
    ledger = Ledger(sqlite.backend(), LedgerConfig())
    ledger.keep(families())
    with pytest.raises(ValueError, match="two collectors keep requests_total, cost_usd_total, wait_seconds"):
        ledger.keep(LedgerFamilies("again", families().declared))


def test_layouts_are_readable() -> None:
    assert json.loads(layout(SECONDS)) == {"labels": ["model"], "buckets": [0.1, 1, 10], "scale": 10**9}
