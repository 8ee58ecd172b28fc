"""The newest ends of a time, compared with sorting them all."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.cr_state.recent import Change, Recent

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
