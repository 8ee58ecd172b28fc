"""Shapes count what counts would have counted; shares add to other days. On SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.ledger import queries
from agent_observability.ledger.batch import Batch, DailyShare, Event, Outcome, Shape, count, observe
from agent_observability.ledger.errors import LedgerDataError
from agent_observability.ledger.families import LedgerFamilies, Pending
from agent_observability.metric import Kind, Label, Metric
from tests.ledger.storage import COST, NOW, PICO, REQUESTS, SECONDS, TODAY, Storage, families, opened
from tests.ledger.test_contract import settled, shown

_LAST = len(SECONDS.buckets) + 1


def shape_of(model: str) -> Shape:
    """A request of `model`, what it costs, and a wait of half a second."""
    return Shape(
        [(REQUESTS, (model, "yes"), 0), (COST, (model,), 0), (SECONDS, (model,), 1), (SECONDS, (model,), _LAST)]
    )


def shaped(number: int, shape: Shape, pico: int = 1, **rest: object) -> Event:
    fields: dict[str, object] = {"shape": shape, "added": (1, pico, 1, 500_000_000)}
    return Event(NOW + number, f"e{number}", "usage", ("p", "m"), b"", **{**fields, **rest})  # type: ignore[arg-type]


async def test_they_count_once_and_for_good(storage: Storage) -> None:
    """Not for duplicates, be they within a batch, in a later one, or after a restart."""
    shape = shape_of("m")
    async with opened(storage.backend(), families()) as ledger:
        assert await ledger.submit(Batch((shaped(1, shape), shaped(1, shape), shaped(2, shape)))) == Outcome(
            (True, False, True)
        )
        both = await asyncio.gather(*(ledger.submit(Batch((shaped(n, shape),))) for n in (2, 3)))
        assert [outcome.stored for outcome in both] == [(False,), (True,)]
    store = families()
    async with opened(storage.backend(), store) as ledger:
        assert (await ledger.submit(Batch((shaped(3, shape), shaped(4, shape, PICO))))).stored == (False, True)
        await settled(store)
        assert shown(store) == [
            'requests_total{model="m",ok="yes"} 4',
            'cost_usd_total{model="m"} 1.000000000003',
            'wait_seconds_bucket{model="m",le="0.1"} 0',
            'wait_seconds_bucket{model="m",le="1.0"} 4',
            'wait_seconds_bucket{model="m",le="10.0"} 4',
            'wait_seconds_bucket{model="m",le="+Inf"} 4',
            'wait_seconds_sum{model="m"} 2.0',
            'wait_seconds_count{model="m"} 4',
        ]


async def test_they_add_to_what_counts_add_to(storage: Storage) -> None:
    shape = shape_of("m")
    store = families()
    async with opened(storage.backend(), store) as ledger:
        counts = (count(REQUESTS, ("m", "yes"), 10), observe(SECONDS, ("m",), 0.05))
        await ledger.submit(Batch((shaped(1, shape, counts=counts), shaped(2, shape)), counts=counts))
        await settled(store)
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 22']
        assert shown(store, "wait_seconds_count") == ['wait_seconds_count{model="m"} 4']
        assert shown(store, "wait_seconds_sum") == ['wait_seconds_sum{model="m"} 1.1']


async def test_what_comes_past_a_cap_is_folded(storage: Storage) -> None:
    """Shapes of several models, which come to one series then; its sum is that of all."""
    store = families()
    async with opened(storage.backend(), store) as ledger:
        shapes = [shape_of(f"m{number}") for number in range(6)]
        for part in range(2):
            events = [shaped(10 * part + n, shape, 10**n) for n, shape in enumerate(shapes)]
            await ledger.submit(Batch(events))
        await settled(store)
        assert shown(store, "requests_total{") == [
            *(f'requests_total{{model="m{number}",ok="yes"}} 2' for number in range(3)),
            'requests_total{model="__overflow__",ok="yes"} 6',
        ]
        overflow = [line for line in shown(store, "cost_usd_total{") if "__overflow__" in line]
        assert overflow == [f'cost_usd_total{{model="__overflow__"}} {222_000 / PICO!r}']


async def test_a_series_that_is_refused_takes_nothing_with_it(storage: Storage) -> None:
    """A family without a label that could be folded lets nothing more in; the rest of the shape counts."""
    full = Metric("full_total", Kind.COUNTER, "Full", (Label("name"),), series_cap=1)
    store = families(full, REQUESTS)
    async with opened(storage.backend(), store) as ledger:
        for number, name in enumerate("abba"):
            shape = Shape([(full, (name,), 0), (REQUESTS, ("m", "yes"), 0)])
            await ledger.submit(Batch((shaped(number, shape, added=(5, 1)),)))
        await settled(store)
        assert shown(store, "full_total{") == ['full_total{name="a"} 10']
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 4']


async def test_one_that_fits_nothing_is_refused_alone(storage: Storage) -> None:
    """Its neighbours in the same commit are stored, and what it had counted by then is not."""
    good = shape_of("m")
    stranger = Metric("stranger_total", Kind.COUNTER, "Stranger")
    store = families()
    async with opened(storage.backend(), store) as ledger:
        batches = [
            Batch((shaped(1, good),)),
            Batch((shaped(2, good), shaped(3, good, added=(1, 1)))),
            Batch((shaped(4, good), shaped(5, Shape([(stranger, (), 0)]), added=(1,)))),
            Batch((shaped(6, Shape([(REQUESTS, ("x" * 2000, "yes"), 0)]), added=(1,)),)),
            Batch((shaped(7, good, shares=(DailyShare(TODAY, "utc", ("y" * 2000,), (1,)),)),)),
            Batch((shaped(8, good),)),
        ]
        answers = await asyncio.gather(*map(ledger.submit, batches), return_exceptions=True)
        assert [type(answer) for answer in answers] == [Outcome, *[LedgerDataError] * 4, Outcome]
        await settled(store)
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 2']
        assert [event.id for event in queries.events(ledger.backend)] == ["e1", "e8"]
        assert queries.daily(ledger.backend) == []


async def test_families_of_several_exporters(storage: Storage) -> None:
    theirs = Metric("theirs_total", Kind.COUNTER, "Theirs", (Label("model", cap=1),))
    one, two = families(), LedgerFamilies("other", (theirs,))
    async with opened(storage.backend(), one, two) as ledger:
        other = Shape([(theirs, ("m",), 0)])
        await ledger.submit(Batch((shaped(1, shape_of("m")), shaped(2, other, added=(7,)))))
        await settled(one)
        await settled(two)
        assert shown(two, "theirs_total{") == ['theirs_total{model="m"} 7']
        assert shown(one, "requests_total{") == ['requests_total{model="m",ok="yes"} 1']


async def test_shares_of_other_days(storage: Storage) -> None:
    """Beside the event's own, exactly, also downwards; a duplicate has none."""
    async with opened(storage.backend(), families()) as ledger:
        shares = (DailyShare(TODAY - 1, "utc", ("p",), (10**30,)), DailyShare(TODAY, "other", (), (1, -2)))
        event = shaped(1, shape_of("m"), day=TODAY, amounts=(1,), shares=shares)
        await ledger.submit(Batch((event,)))
        await ledger.submit(Batch((event,)))
    async with opened(storage.backend(), families()) as ledger:
        more = (DailyShare(TODAY - 1, "utc", ("p",), (5,)),)
        await ledger.submit(Batch((shaped(2, shape_of("m"), shares=more),)))
        rows = queries.daily(ledger.backend)
    assert [(row.day - TODAY, row.kind, row.labels, row.events, row.amounts) for row in rows] == [
        (-1, "utc", ("p",), 2, (10**30 + 5,)),
        (0, "other", (), 1, (1, -2)),
        (0, "usage", ("p", "m"), 1, (1,)),
    ]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 2**70), st.floats(0, 1e5)), max_size=40))
def test_as_counts_would(uses: Sequence[tuple[str, int, float]]) -> None:
    """The same series with the same numbers, whatever is summed up in which way."""
    by_shapes, by_counts = (families() for _ in range(2))
    ours, theirs = Pending(), Pending()
    for model, pico, seconds in uses:
        bucket = bisect.bisect_left(SECONDS.buckets, seconds)
        shape = Shape([(COST, (model,), 0), (SECONDS, (model,), bucket), (SECONDS, (model,), _LAST)])
        by_shapes.sum_shape(ours, shape, (pico, 1, round(seconds * SECONDS.scale)))
        by_counts.sum(theirs, [count(COST, (model,), pico), observe(SECONDS, (model,), seconds)])
    assert _numbers(ours) == _numbers(theirs)


def _numbers(pending: Pending) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    return {(series.metric.name, series.labels): sums for series, sums in pending.amounts.items()}


def test_shapes_are_told_apart_by_identity() -> None:
    """Comparing their labels would cost what they are there to save."""
    assert shape_of("m") != shape_of("m")
    with pytest.raises(AttributeError):
        shape_of("m").other = 1  # type: ignore[attr-defined]
