"""Segments of projects and users, compared with the contract's definitions taken literally."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.cr_state.activity import KEPT_SECONDS, Activity
from agent_observability.cr_state.metrics import SEGMENTS

DAY = 86_400.0
NOW = 1_790_000_000.0

# Whole days, so that the edges of windows are hit, some of them missed by a moment.
ages = st.builds(lambda days, rest: days * DAY + rest, st.integers(-1, 80), st.sampled_from([0.0, 0.5, -0.5, 4_000.0]))
sessions = st.lists(st.tuples(st.sampled_from(["kim", "lee"]), ages), max_size=40)
# Of one subject that is a power user now and then, most of them lately.
busy = st.lists(st.tuples(st.just("ann"), st.one_of(ages, st.floats(0, 8 * DAY))), min_size=8, max_size=16)


def literally(created: dict[str, list[float]], first: dict[str, float], now: float) -> dict[tuple[str, str], int]:
    """The definitions, one after the other. `first` knows of sessions that are otherwise forgotten."""
    found = {("active", "24h"): 0, ("active", "7d"): 0, ("active", "30d"): 0}
    found |= {("power", "30d"): 0, ("new", "7d"): 0, ("activated", "7d"): 0, ("retained", "30d"): 0}
    found |= {("churned", "30d"): 0}
    for subject, times in created.items():
        for window, days in (("24h", 1), ("7d", 7), ("30d", 30)):
            found["active", window] += any(one > now - days * DAY for one in times)
        these = [one for one in times if one > now - 30 * DAY]
        before = [one for one in times if now - 60 * DAY < one <= now - 30 * DAY]
        ever = min([*times, first.get(subject, float("inf"))])
        new = ever > now - 7 * DAY
        found["power", "30d"] += len(these) >= 10
        found["new", "7d"] += new
        found["activated", "7d"] += new and sum(one <= ever + 7 * DAY for one in times) >= 3
        found["retained", "30d"] += bool(these and before)
        found["churned", "30d"] += bool(before and not these)
    return found


def by_subject(given: list[tuple[str, float]]) -> dict[str, list[float]]:
    created: dict[str, list[float]] = {}
    for subject, ago in given:
        created.setdefault(subject, []).append(NOW - ago)
    return created


@given(some=sessions, many=busy, known=st.none() | ages, later=st.integers(0, 70))
def test_segments_are_those_of_the_contract(
    some: list[tuple[str, float]], many: list[tuple[str, float]], known: float | None, later: int
) -> None:
    """Now, and again when days have passed and what is old was forgotten."""
    activity = Activity()
    first = {} if known is None else {"kim": NOW - known}
    activity.first.update(first)
    for subject, ago in (*some, *many):
        activity.add(subject, NOW - ago)
    created = by_subject([*some, *many])
    expected = literally(created, first, NOW)
    # Zeros are told, too.
    assert dict(activity.segments(NOW)) == expected
    activity.forget(NOW)
    assert dict(activity.segments(NOW)) == expected
    now = NOW + later * DAY
    activity.forget(now)
    assert dict(activity.segments(now)) == literally(created, first, now)


@given(sessions)
def test_the_first_ever_is_told_whenever_it_changes(given: list[tuple[str, float]]) -> None:
    activity = Activity()
    seen: dict[str, float] = {}
    for subject, ago in given:
        created = NOW - ago
        earlier = created < seen.get(subject, float("inf"))
        assert activity.add(subject, created) is earlier
        if earlier:
            seen[subject] = created
        assert activity.first == seen


def test_what_is_forgotten_takes_no_room_and_is_still_not_new() -> None:
    activity = Activity()
    activity.add("kim", NOW - KEPT_SECONDS - 1)
    activity.add("lee", NOW - KEPT_SECONDS - 1)
    activity.add("lee", NOW - KEPT_SECONDS)
    activity.forget(NOW)
    assert {subject: len(times) for subject, times in activity._times.items()} == {"lee": 1}
    assert activity.add("kim", NOW) is False
    assert +activity.segments(NOW) == Counter({("active", "24h"): 1, ("active", "7d"): 1, ("active", "30d"): 1})


@pytest.mark.parametrize(
    ("days_ago", "segments"),
    [
        ([0.5], {"active 24h", "active 7d", "active 30d", "new 7d"}),
        ([1], {"active 7d", "active 30d", "new 7d"}),
        ([6, 5, 4], {"active 7d", "active 30d", "new 7d", "activated 7d"}),
        ([6, 5, -1], {"active 24h", "active 7d", "active 30d", "new 7d", "activated 7d"}),
        ([7, 5, 4], {"active 7d", "active 30d"}),
        ([29] * 10, {"active 30d", "power 30d"}),
        ([29] * 9 + [30], {"active 30d", "retained 30d"}),
        ([29, 59], {"active 30d", "retained 30d"}),
        ([30], {"churned 30d"}),
        ([30, 59], {"churned 30d"}),
        ([60], set()),
        ([29, 60], {"active 30d"}),
    ],
)
def test_examples(days_ago: list[float], segments: set[str]) -> None:
    activity = Activity()
    for days in days_ago:
        activity.add("kim", NOW - days * DAY)
    assert {" ".join(key) for key, number in activity.segments(NOW).items() if number} == segments
    assert {segment for segment, _ in activity.segments(NOW)} == set(SEGMENTS)
