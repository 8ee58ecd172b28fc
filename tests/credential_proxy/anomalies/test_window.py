"""Windows of moments, compared with the rule taken literally."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.credential_proxy.anomalies.window import Window, room
from tests.credential_proxy.anomalies.reference import too_many

NOW = 1_790_000_100.0


def window(limit: int = 10, seconds: float = 60.0) -> Window[list[float]]:
    """Each moment is its own mark."""
    return Window(limit, seconds, [], [])


def add(kept: Window[list[float]], moment: float) -> bool:
    return kept.add(moment, moment)


@pytest.mark.parametrize(
    ("gap", "many", "signs"),
    [
        (6.0, 500, 0),
        (6.01, 500, 0),
        (5.999, 11, 1),
        (5.999, 10, 0),
        (5.999, 12, 2),
        (0.0, 10, 0),
        (0.0, 11, 1),
        (0.0, 200, 190),
    ],
)
def test_ten_a_minute_are_allowed_and_eleven_are_not(gap: float, many: int, signs: int) -> None:
    kept = window()
    assert sum(add(kept, NOW + 0.1 + gap * number) for number in range(many)) == signs


# Seconds, halves and a moment off, so that the edges of windows are hit and missed by little.
steps = st.builds(lambda whole, off: whole + off, st.integers(0, 40), st.sampled_from([0.0, 0.5, 1e-3, -1e-3])).map(abs)


@given(st.integers(1, 4), st.lists(steps, max_size=60))
def test_in_order_it_is_exact_however_many_there_are(limit: int, gaps: list[float]) -> None:
    kept, moments, moment = window(limit), [], NOW
    for gap in gaps:
        moment += gap
        moments.append(moment)
        assert add(kept, moment) == too_many(moments, moment, limit, 60)
        assert kept.marks == list(kept.times) == moments[-len(kept.times) :]
        assert len(kept.times) <= room(limit)


@given(st.integers(1, 4), st.lists(st.tuples(steps, st.floats(0, 60)), max_size=60))
def test_what_comes_up_to_a_minute_late_is_found_with_all_the_others(
    limit: int, gaps: list[tuple[float, float]]
) -> None:
    kept, moments, newest = window(limit), [], NOW
    found = False
    for gap, late in gaps:
        newest += gap
        moment = newest - late if late > 20 else newest
        moments.append(moment)
        sign, expected = add(kept, moment), too_many(moments, moment, limit, 60)
        # From the first sign on some of very many may be forgotten, but nothing is found that was not there.
        assert sign == expected or (found and expected)
        found |= sign
        assert kept.marks == list(kept.times) == sorted(kept.times)
        assert len(kept.times) <= room(limit) and kept.newest == kept.times[-1]


def test_a_clock_that_is_set_back_hides_nothing() -> None:
    kept = window()
    assert not any(add(kept, NOW + 10 * number) for number in range(100))
    assert [add(kept, NOW - 3_600 + number) for number in range(12)] == [False] * 10 + [True] * 2
    # And forth again, past what was there before.
    assert [add(kept, NOW + 3_600 + number) for number in range(12)] == [False] * 10 + [True] * 2


def test_a_straggler_leaves_room_for_the_next_ones() -> None:
    kept = window()
    for number in range(100):
        add(kept, NOW + 7 * number)
        add(kept, NOW - 100_000 + number * 500)
    assert [add(kept, NOW + 800 + number) for number in range(12)] == [False] * 10 + [True] * 2


@pytest.mark.parametrize(("late", "first", "last"), [(None, 5, 15), (0.5, 0, 9.5)])
def test_the_span_is_that_of_the_moments_that_are_too_many(late: float | None, first: float, last: float) -> None:
    kept = window()
    moments = [0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] if late is None else [0, 1, 2, 3, 4, 5, 6, 7, 8, 9.5]
    for moment in moments:
        add(kept, NOW + moment)
    newest = NOW + moments[-1] if late is None else NOW + late
    if late is not None:
        assert add(kept, newest)
    span = kept.times[kept.span(newest)]
    assert (span[0] - NOW, span[-1] - NOW, len(span)) == (first, last, 11)


def test_what_is_not_kept_is_counted_for_a_minute() -> None:
    kept = window()
    for number in range(1_000):
        add(kept, NOW + 0.1 * number)
    assert 590 <= kept.since(NOW + 99.9 - 60) <= 610
    assert 90 <= kept.since(NOW + 99.9 - 10) <= 110
    assert kept.since(NOW + 99.9) == 0
    for number in range(40):
        add(kept, NOW + 200 + 10 * number)
    assert kept.since(NOW + 590 - 60) == 6
