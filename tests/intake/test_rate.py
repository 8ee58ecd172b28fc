"""Buckets of tokens: how many requests a key may make, whatever the others do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.intake import rate as module
from agent_observability.intake.rate import Rates


def test_two_seconds_worth_at_once_and_then_so_many_a_second() -> None:
    rates = Rates()
    assert [rates.allows("a", 3, 100.0) for _ in range(8)] == [True] * 6 + [False] * 2
    assert [rates.allows("a", 3, 100.34) for _ in range(2)] == [True, False]
    assert [rates.allows("a", 3, 101.34) for _ in range(4)] == [True] * 3 + [False]
    # A long silence saves up no more than the two seconds.
    assert [rates.allows("a", 3, 9_000.0) for _ in range(7)] == [True] * 6 + [False]


def test_each_key_has_its_own() -> None:
    rates = Rates()
    assert [rates.allows("a", 1, 5.0) for _ in range(3)] == [True, True, False]
    assert [rates.allows("b", 1, 5.0) for _ in range(3)] == [True, True, False]


def test_a_lower_rate_holds_at_once() -> None:
    rates = Rates()
    assert rates.allows("a", 1_000, 5.0)
    assert [rates.allows("a", 1, 5.0) for _ in range(3)] == [True, True, False]


def test_by_the_clock_of_the_machine() -> None:
    rates = Rates()
    assert [rates.allows("a", 1) for _ in range(3)] == [True, True, False]


def test_names_are_bounded_and_who_asks_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others come: a bucket that is used has not been silent for longest."""
    monkeypatch.setattr(module, "_BUCKETS", 10)
    rates = Rates()
    assert [rates.allows("busy", 1, 0.0) for _ in range(2)] == [True, True]
    for number in range(100):
        assert not rates.allows("busy", 1, 0.0)
        assert rates.allows(f"other{number}", 1, 0.0)
    assert len(rates) == 10


@given(
    st.integers(1, 1_000_000),
    st.lists(st.floats(0, 10), min_size=1, max_size=200),
)
def test_never_more_than_the_rate_and_its_burst(rate: int, waits: list[float]) -> None:
    rates = Rates()
    now, allowed = 1_000.0, 0
    for wait in waits:
        now += wait
        allowed += rates.allows("a", rate, now)
    assert allowed <= rate * (sum(waits) + 2) + 1e-3
    assert allowed >= min(len(waits), 2)
