"""What every ledger does, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio

import pytest

from agent_observability.exposition import Format, write
from agent_observability.ledger import queries
from agent_observability.ledger.batch import Batch, Event, Outcome, count, observe
from agent_observability.ledger.errors import LedgerDataError
from agent_observability.ledger.families import LedgerFamilies, Pending
from tests.collectors import scraped
from tests.ledger.storage import COST, NOW, REQUESTS, SECONDS, TODAY, Storage, batch, event, families, opened
from tests.support import wait_until, wait_until_async


def shown(store: LedgerFamilies, family: str = "") -> list[str]:
    """The sample lines after every birth is over; the writer has its part in that."""
    scraped(store)
    if store.exposed_until:
        wait_until(lambda: _born(store), what="births to end")
    text = write(scraped(store), Format.TEXT).decode()
    lines = [line for line in text.splitlines() if line.startswith(family or ("requests", "cost", "wait"))]
    return [line for line in lines if not line.startswith("#")]


async def settled(store: LedgerFamilies) -> None:
    """Let every birth end, with the event loop free."""
    scraped(store)
    await wait_until_async(lambda: _born(store), what="births to end")


def _born(store: LedgerFamilies) -> bool:
    return all(
        series.shown is None or series.shown == series.values
        for family in store._families.values()
        for series in family.series.values()
    )


async def test_events_are_stored_once_and_counted_once(storage: Storage) -> None:
    """Against earlier batches, within a batch, and between batches of one commit."""
    store = families()
    async with opened(storage.backend(), store) as ledger:
        assert await ledger.submit(batch(1, 2)) == Outcome((True, True))
        assert await ledger.submit(batch(2, 3, 3)) == Outcome((False, True, False))
        both = await asyncio.gather(ledger.submit(batch(4, 5)), ledger.submit(batch(5, 6)))
        assert [outcome.stored.count(True) for outcome in both] == [2, 1]
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 6']
        stored = list(queries.events(ledger.backend))
    assert [(one.timestamp - NOW, one.id, one.data) for one in stored] == [(n, f"e{n}", b"%d" % n) for n in range(1, 7)]
    assert {(one.kind, one.labels) for one in stored} == {("usage", ("p", "m"))}


async def test_the_same_id_at_another_time_is_another_event(storage: Storage) -> None:
    store = families()
    async with opened(storage.backend(), store) as ledger:
        later = event(1)._replace(timestamp=NOW + 9)
        assert await ledger.submit(Batch((event(1), later))) == Outcome((True, True))


async def test_everything_is_there_after_a_restart(storage: Storage) -> None:
    first = Batch(
        (event(1, count(COST, ("m",), 123_456_789_012_345_678_901), observe(SECONDS, ("m",), 0.5)),),
        counts=(count(REQUESTS, ("n", "no"), 2**70),),
        positions={"file": "17"},
        facts={("session", "a"): b"A", ("session", "b"): b"B"},
    )
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(first)
        await ledger.submit(Batch(positions={"other": "x"}, facts={("session", "b"): None, ("run", "a"): b""}))
    again = families()
    async with opened(storage.backend(), again) as ledger:
        assert await ledger.ready() == {"file": "17", "other": "x"}
        assert queries.facts(ledger.backend, "session") == {"a": b"A"}
        assert queries.facts(ledger.backend, "run") == {"a": b""}
        assert shown(again) == [
            'requests_total{model="m",ok="yes"} 1',
            f'requests_total{{model="n",ok="no"}} {2**70}',
            'cost_usd_total{model="m"} 123456789.01234567',
            'wait_seconds_bucket{model="m",le="0.1"} 0',
            'wait_seconds_bucket{model="m",le="1.0"} 1',
            'wait_seconds_bucket{model="m",le="10.0"} 1',
            'wait_seconds_bucket{model="m",le="+Inf"} 1',
            'wait_seconds_sum{model="m"} 0.5',
            'wait_seconds_count{model="m"} 1',
        ]
        assert (await ledger.submit(first)).stored == (False,)


async def test_restored_counters_are_born_at_what_was_committed(storage: Storage) -> None:
    """Once to whoever scrapes, before what has been counted since."""
    store = families()
    async with opened(storage.backend(), store) as ledger:
        await ledger.submit(batch(1, 2, 3))
        shown(store)
    store = families()
    assert store.collect() == []
    async with opened(storage.backend(), store) as ledger:
        await ledger.submit(batch(4))
        await ledger.submit(Batch((event(5, model="new"),)))
        first = write(scraped(store), Format.TEXT).decode()
        shown(store)
        texts = [first, write(scraped(store), Format.TEXT).decode()]
    values = [[line for line in text.splitlines() if line.startswith("requests_total{")] for text in texts]
    assert values == [
        ['requests_total{model="m",ok="yes"} 3', 'requests_total{model="new",ok="yes"} 0'],
        ['requests_total{model="m",ok="yes"} 4', 'requests_total{model="new",ok="yes"} 1'],
    ]


@pytest.mark.parametrize("noted", [False, True], ids=["killed before it is noted", "noted"])
async def test_a_birth_is_over_once_the_ledger_has_noted_it(storage: Storage, noted: bool) -> None:
    """Otherwise a process killed in between would be followed by one that starts the series elsewhere than at 0."""
    store = families()
    async with opened(storage.backend(), store) as ledger:
        if not noted:
            store.wake = lambda: None
            store.births = Pending  # type: ignore[method-assign]
        await ledger.submit(batch(1, 2))
        scraped(store)
        if noted:
            assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 2']
        else:
            text = write(scraped(store), Format.TEXT).decode()
            assert 'requests_total{model="m",ok="yes"} 0' in text.splitlines()
    again = families()
    async with opened(storage.backend(), again):
        text = write(scraped(again), Format.TEXT).decode()
        assert f'requests_total{{model="m",ok="yes"}} {2 if noted else 0}' in text.splitlines()
        assert shown(again, "requests_total{") == ['requests_total{model="m",ok="yes"} 2']


async def test_a_digest_makes_the_whole_batch_a_duplicate(storage: Storage) -> None:
    store = families()
    body = (b"digest", NOW + 1000)
    async with opened(storage.backend(), store) as ledger:
        first = Batch((event(1),), counts=(count(REQUESTS, ("x", "no"), 5),), digest=body)
        assert await ledger.submit(first) == Outcome((True,))
        second = Batch((event(2),), counts=first.counts, digest=body, positions={"a": "1"})
        assert await ledger.submit(second) == Outcome((False,), duplicate=True)
        assert ledger.positions == {"a": "1"}
    again = families()
    async with opened(storage.backend(), again) as ledger:
        assert (await ledger.submit(second)).duplicate
        assert shown(again, "requests_total{") == [
            'requests_total{model="m",ok="yes"} 1',
            'requests_total{model="x",ok="no"} 5',
        ]


async def test_a_bad_batch_is_refused_alone(storage: Storage) -> None:
    """What shares its commit is stored; what it would have counted is not."""
    bad = [
        Batch((event(10), event(11)._replace(timestamp=2**63))),
        Batch((event(12, count(COST, ("m",), 7)),), counts=(count(COST, ("m", "too many"), 1),)),
        Batch((event(13)._replace(id="\ud800"),)),
        Batch((event(14, model="no\0text"),)),
        Batch((event(15, model="long" * 1000),)),
        Batch((event(16)._replace(labels=("é" * 600,)),)),
        Batch((event(17)._replace(id="x" * 2000),)),
        Batch((event(18, model="\ud800"),)),
        Batch((event(19),), positions={"p" * 2000: "1"}),
        Batch((event(20),), facts={("k", "f" * 2000): b""}),
    ]
    store = families()
    async with opened(storage.backend(), store) as ledger:
        answers = await asyncio.gather(
            *(ledger.submit(one) for one in (batch(1), *bad, batch(2))), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Outcome, *[LedgerDataError] * 10, Outcome]
        assert [one.id for one in queries.events(ledger.backend)] == ["e1", "e2"]
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 2']
        assert await ledger.submit(batch(10, 12)) == Outcome((True, True))
        text = write(scraped(ledger.reports.store), Format.TEXT).decode()
    assert 'agent_obs_ledger_events_total{kind="events",result="rejected"}' in text


async def test_admitted_label_values_outlive_the_process(storage: Storage) -> None:
    """So that a model that was below the cap is not folded after a restart, and one above does not slip in."""
    async with opened(storage.backend(), families()) as ledger:
        for number, model in enumerate("abcd"):
            await ledger.submit(Batch((event(number, model=model),)))
    store = families()
    async with opened(storage.backend(), store) as ledger:
        for number, model in enumerate("dcb", start=10):
            await ledger.submit(Batch((event(number, model=model),)))
        assert shown(store, "requests_total{") == [
            'requests_total{model="a",ok="yes"} 1',
            'requests_total{model="b",ok="yes"} 2',
            'requests_total{model="c",ok="yes"} 2',
            'requests_total{model="__overflow__",ok="yes"} 2',
        ]


async def test_queries_by_time_and_kind(storage: Storage) -> None:
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch(tuple(Event(n, f"{n}", "ab"[n % 2], ("x",), b"") for n in range(12_000))))
        read = ledger.backend
        assert [one.timestamp for one in queries.events(read)] == list(range(12_000))
        assert [one.timestamp for one in queries.events(read, start=5, end=9, kinds=["a"])] == [6, 8]
        assert list(queries.events(read, kinds=["c"])) == []


async def test_daily_sums_are_exact_and_grow(storage: Storage) -> None:
    """Late events reach days that are long out of memory; more amounts than before are no problem."""
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch(tuple(event(n, day=TODAY + n % 2, amounts=(10**30, n)) for n in range(4))))
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(
            Batch((event(3, day=TODAY + 1, amounts=(1, 1)), event(9, day=TODAY + 1, model="o", amounts=(5,))))
        )
        # Of different lengths, in one batch and one aggregate.
        others = (event(11, day=TODAY + 2, amounts=(1,)), event(12, day=TODAY + 2, amounts=(1, 2, 3)))
        await ledger.submit(Batch((event(10, day=TODAY + 1, amounts=(1, 2, 3)), *others)))
        sums = queries.daily(ledger.backend, kinds=["usage"], first=TODAY, last=TODAY + 2)
    assert [(one.day - TODAY, one.labels, one.events, one.amounts) for one in sums] == [
        (0, ("p", "m"), 2, (2 * 10**30, 2)),
        (1, ("p", "m"), 3, (2 * 10**30 + 1, 6, 3)),
        (1, ("p", "o"), 1, (5,)),
        (2, ("p", "m"), 2, (2, 2, 3)),
    ]


async def test_sizes_and_rows(storage: Storage) -> None:
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch(tuple(event(n) for n in range(50)), positions={"a": "1"}))
        rows = ledger.backend.rows()
        assert (rows["event"], rows["position"], rows["series"], rows["dimension"], rows["daily"]) == (50, 1, 1, 1, 0)
        assert 4096 <= ledger.backend.size() < 1024**2
