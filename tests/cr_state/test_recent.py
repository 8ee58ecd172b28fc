"""The newest ends of a time, compared with sorting them all; and with the series of sessions that follow from it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.cr_state.recent import Change, Recent
from agent_observability.units import Duration
from tests.cr_state.test_detail import DAY, POLICIES, REPORTED, T0, Board
from tests.support import examples

SECONDS = 20.0

# Few different times, so that some are the same.
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "remove", "unknown", "pass"]),
        st.integers(0, 30),
        st.integers(-25, 2),
        st.integers(0, 6),
    ),
    max_size=60,
)


@dataclass
class Both:
    """What is shown, as told change by change, and all ends that there are."""

    most: int
    recent: Recent
    now: float = 1_000.0
    shown: set[str] = field(default_factory=set)
    ends: dict[str, float] = field(default_factory=dict)

    def take(self, changes: list[Change]) -> None:
        for uid, shown in changes:
            assert (uid in self.shown) is not shown, f"{uid} is told twice"
            (self.shown.add if shown else self.shown.remove)(uid)

    def expected(self) -> set[str]:
        alive = sorted((ended, uid) for uid, ended in self.ends.items() if ended > self.now - SECONDS)
        return {uid for _, uid in alive[max(0, len(alive) - self.most) :]}


@given(most=st.integers(0, 5), steps=steps)
def test_exactly_the_newest_of_the_time_are_shown(most: int, steps: list[tuple[str, int, int, int]]) -> None:
    both = Both(most, Recent(most, SECONDS))
    for kind, number, ago, passed in steps:
        uid = f"u{number}"
        if kind == "add" and uid not in both.ends:
            both.ends[uid] = both.now + ago
            both.take(list(both.recent.add(uid, both.ends[uid], both.now)))
        elif kind == "remove" and uid in both.ends:
            both.take(list(both.recent.remove(uid, both.ends.pop(uid))))
        elif kind == "unknown":
            both.take(list(both.recent.remove("nobody", both.now + ago)))
        elif kind == "pass":
            both.now += passed
            both.take(list(both.recent.expire(both.now)))
        assert both.shown == both.expected()
    both.take(list(both.recent.expire(both.now + 100)))
    assert both.shown == set()


@pytest.mark.parametrize(("ago", "kept"), [(SECONDS, False), (SECONDS - 0.001, True), (0.0, True), (-5.0, True)])
def test_the_edge_of_the_time(ago: float, kept: bool) -> None:
    """An end that the time no longer reaches is neither taken nor kept."""
    assert list(Recent(5, SECONDS).add("u", 1_000 - ago, 1_000)) == [("u", True)] * kept
    recent = Recent(5, SECONDS)
    assert list(recent.add("u", 500, 500)) == [("u", True)]
    assert list(recent.expire(500 + ago)) == [("u", False)] * (not kept)


def test_one_that_is_known_by_another_end_is_not_removed() -> None:
    recent = Recent(5, SECONDS)
    assert list(recent.add("u", 10, 10)) == [("u", True)]
    assert list(recent.remove("u", 11)) == []
    assert list(recent.remove("u", 10)) == [("u", False)]


def test_one_takes_the_place_of_another() -> None:
    recent = Recent(2, SECONDS)
    for uid, ended in (("a", 1), ("c", 3)):
        assert list(recent.add(uid, ended, 5)) == [(uid, True)]
    assert list(recent.add("b", 2, 5)) == [("b", True), ("a", False)]
    assert list(recent.add("0", 0, 5)) == []
    assert list(recent.remove("0", 0)) == []
    assert list(recent.remove("c", 3)) == [("c", False), ("a", True)]


async def test_the_newest_of_the_ended_ones(tmp_path: Path) -> None:
    """As they come, go, run again, and as time passes."""
    board = Board(tmp_path, finished=2, age=Duration(7_200))
    for name, ended in (("a", 10), ("c", 30), ("b", 20), ("d", 40)):
        await board.put(name, "Completed", ended)
    assert set(board.shown()) == {"c", "d"}
    await board.put("d", "Completed", 40, deleted=True)
    assert set(board.shown()) == {"b", "c"}
    await board.put("c", "Running", started=50)
    assert board.shown() == {"a": "completed", "b": "completed", "c": "running"}
    board.detail.expire(T0 + 7_200 + 15)
    assert set(board.shown()) == {"b", "c"}
    board.detail.expire(T0 + 7_200 + 20)
    assert set(board.shown()) == {"c"}


lives = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["Pending", "Running", "Completed", "Failed", "gone"]), st.booleans()),
    max_size=40,
)


@settings(max_examples=examples(150), deadline=None)
@given(policy=st.sampled_from(POLICIES), finished=st.integers(0, 3), steps=lives)
def test_series_of_any_sessions(
    tmp_path_factory: pytest.TempPathFactory, policy: str, finished: int, steps: list[tuple[int, str, bool]]
) -> None:
    """What is shown is what the policy says, each series once."""

    async def live() -> None:
        board = Board(tmp_path_factory.getbasetemp(), policy, finished=finished)
        phases: dict[str, str] = {}
        first_ends: dict[str, int] = {}
        for number, phase, more in steps:
            # Some ended long ago. A session keeps its first end, even when it was deleted meanwhile.
            name, ended = f"s{number}", -2 * DAY if number == 7 else number * 10
            if phase == "gone":
                if phases.pop(name, None):
                    await board.put(name, deleted=True)
            else:
                phases[name] = phase.lower()
                over = phase in ("Completed", "Failed")
                if over:
                    first_ends.setdefault(name, ended)
                await board.put(name, phase, ended if over else None, **(REPORTED if more else {}))
            alive = {one for one in phases if phases[one] in ("pending", "running")}
            ends = sorted((first_ends[one], one) for one in phases.keys() - alive if first_ends[one] > -DAY)
            recent = {one for _, one in ends[max(0, len(ends) - finished) :]}
            shown = {"all": phases.keys(), "recent": alive | recent, "active": alive, "none": set()}[policy]
            assert board.shown() == {one: phases[one] for one in shown}

    asyncio.run(live())
