"""Metric streams: what points add, compared with what a sender has really counted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.streams import KIND, Sample, Streams

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
NOW = 1_790_000_000_000


class Kept:
    """Streams with a ledger."""

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.streams = Streams(most)
        self.facts: dict[str, bytes] = {}

    def add(self, *samples: Sample, now: int = NOW, committed: bool = True) -> list[tuple[int, ...] | None]:
        plan = self.streams.plan(samples, now)
        if committed:
            for (kind, key), data in plan.facts.items():
                assert kind == KIND
                if data is None:
                    del self.facts[key]
                else:
                    self.facts[key] = data
            self.streams.commit(plan)
        return plan.deltas

    def restart(self) -> None:
        self.streams = Streams(self.most)
        self.streams.load(self.facts)


def total(time: int, *values: int, start: int = 1, key: str = "a") -> Sample:
    return Sample(key, False, start, time, values)


def delta(time: int, *values: int, key: str = "a") -> Sample:
    return Sample(key, True, time - 1, time, values)


POINTS = [
    ("the first counts in full", [total(10, 5)], [(5,)]),
    ("then what was added", [total(10, 5), total(20, 8), total(30, 8)], [(5,), (3,), (0,)]),
    (
        "again and late ones add nothing",
        [total(20, 8), total(20, 8), total(10, 5), total(30, 9)],
        [(8,), None, None, (1,)],
    ),
    ("a value that fell is a reset", [total(10, 5), total(20, 3), total(30, 4)], [(5,), (3,), (1,)]),
    ("a new start is a new stream", [total(10, 5), total(30, 7, start=20), total(40, 9, start=20)], [(5,), (7,), (2,)]),
    (
        "two processes that share a name",
        [total(10, 5), total(11, 100, start=2), total(20, 6), total(21, 101, start=2)],
        [(5,), (100,), (1,), (1,)],
    ),
    ("other streams", [total(10, 5), total(10, 7, key="b")], [(5,), (7,)]),
    ("several values", [total(10, 5, 50, 2), total(20, 6, 60, 1)], [(5, 50, 2), (1, 10, 0)]),
    ("deltas add", [delta(10, 5), delta(20, 3)], [(5,), (3,)]),
    ("each once", [delta(10, 5), delta(10, 5), delta(20, 3), delta(10, 5)], [(5,), None, (3,), None]),
    ("late ones, too", [delta(20, 5), delta(10, 3)], [(5,), (3,)]),
]


@pytest.mark.parametrize("each", [False, True], ids=["at once", "one by one, with restarts"])
@pytest.mark.parametrize(("samples", "expected"), [case[1:] for case in POINTS], ids=[case[0] for case in POINTS])
def test_what_points_add(samples: list[Sample], expected: list[tuple[int, ...] | None], each: bool) -> None:
    kept = Kept()
    if not each:
        assert kept.add(*samples) == expected
        return
    found = []
    for sample in samples:
        found += kept.add(sample)
        kept.restart()
    assert found == expected


def test_what_was_not_committed_counts_again() -> None:
    kept = Kept()
    assert kept.add(total(10, 5), delta(10, 1), committed=False) == [(5,), (1,)]
    assert kept.add(total(10, 5), delta(10, 1)) == [(5,), (1,)]


@given(st.data())
@settings(deadline=None)
def test_totals_are_those_of_the_sender(data: st.DataObject) -> None:
    """Whatever is lost, comes twice or late, and however often either side restarts: the last point tells it all."""
    random_ = random.Random(data.draw(st.integers(0, 2**32)))
    kept = Kept()
    counted = sent = 0
    start, value, last = 1, 0, None
    for time in range(2, data.draw(st.integers(3, 30))):
        if random_.random() < 0.1:
            sent += 0 if last is None else last.values[0]
            start, value, last = time, 0, None
        value += random_.randrange(10)
        sample = total(time + 1, value, start=start)
        if random_.random() < 0.8:
            last = sample
            for one in random_.choices([sample, last], k=random_.randrange(1, 3)):
                counted += sum(added[0] for added in kept.add(one) if added)
        if random_.random() < 0.2:
            kept.restart()
    assert counted == sent + (0 if last is None else last.values[0])


def test_streams_are_bounded_and_idle_ones_make_room() -> None:
    kept = Kept(most=3)
    assert kept.add(*[total(10, 5, key=str(at)) for at in range(5)]) == [(5,), (5,), (5,), None, None]
    assert kept.add(total(20, 6, key="0"), total(10, 5, key="4"), now=NOW + DAY_MS) == [(1,), None]
    later = NOW + DAY_MS + 1
    plan = kept.streams.plan([total(30, 7, key="5"), total(30, 7, key="6"), total(30, 7, key="7")], later)
    assert plan.refused == {2}
    kept.add(total(30, 7, key="5"), total(30, 7, key="6"), now=later)
    # What was heard of within a day goes on where it was.
    assert kept.add(total(40, 9, key="0"), now=later) == [(3,)]
    assert len(kept.streams) == len(kept.facts) == 3


def test_delta_streams_make_room_sooner() -> None:
    """One that is forgotten counts on all the same: of it only what a sender may yet repeat has to be known."""
    kept = Kept(most=4)
    kept.add(total(10, 5, key="0"), *[delta(10, 5, key=str(at)) for at in range(1, 4)])
    assert kept.add(delta(10, 5, key="4"), now=NOW + HOUR_MS) == [None]
    later = NOW + HOUR_MS + 1
    assert kept.add(delta(20, 7, key="1"), total(10, 5, key="4"), now=later) == [(7,), (5,)]
    assert kept.add(total(20, 6, key="0"), now=later) == [(1,)]
    kept.restart()
    assert kept.add(delta(20, 7, key="1"), total(20, 6, key="4"), now=later) == [None, (1,)]
    assert len(kept.streams) == len(kept.facts) == 3


def test_streams_that_find_no_room_are_refused_without_a_search_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(most=10)
    kept.add(*[total(10, 5, key=str(at)) for at in range(10)])
    searched = []
    search = Streams._search
    monkeypatch.setattr(Streams, "_search", lambda streams, now: searched.append(now) or search(streams, now))
    for now in (NOW, NOW + 1, NOW + HOUR_MS - 1, NOW + HOUR_MS, NOW + HOUR_MS + 1):
        assert kept.add(*[total(10, 5, key=f"new {at}") for at in range(100)], now=now) == [None] * 100
    assert searched == [NOW, NOW + HOUR_MS]
    # Idle ones that this very request goes on with make no room.
    again = [total(20, 6, key=str(at)) for at in range(10)]
    assert kept.add(*[total(10, 5, key=f"new {at}") for at in range(100)], *again, now=NOW + DAY_MS + 1) == [
        *[None] * 100,
        *[(1,)] * 10,
    ]
    assert searched == [NOW, NOW + HOUR_MS, NOW + DAY_MS + 1]
    kept.restart()
    assert kept.add(total(10, 5, key="new 0"), now=NOW + 2 * DAY_MS + 2) == [(5,)]


def test_a_delta_stream_remembers_few_ends() -> None:
    kept = Kept()
    for time in range(10, 1_000):
        assert kept.add(delta(time, 1)) == [(1,)]
    assert kept.add(*[delta(time, 1) for time in range(990, 1_000)]) == [None] * 10
    assert max(len(data) for data in kept.facts.values()) < 200
