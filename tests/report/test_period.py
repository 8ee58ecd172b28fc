"""Which days a day, week or month has, what it is called, and which came before."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.report.period import KINDS, Kind, containing, date_of, day_number, last_full


def _dates(kind: Kind, date: dt.date, back: int = 0) -> tuple[dt.date, dt.date]:
    period = containing(kind, day_number(date)).before(back)
    return date_of(period.first), date_of(period.last)


@pytest.mark.parametrize(
    ("kind", "date", "first", "last", "title"),
    [
        ("daily", "2026-11-20", "2026-11-20", "2026-11-20", "Friday, 20 November 2026"),
        ("daily", "2028-02-29", "2028-02-29", "2028-02-29", "Tuesday, 29 February 2028"),
        ("weekly", "2026-11-20", "2026-11-16", "2026-11-22", "week 47 of 2026, 16 to 22 November"),
        ("weekly", "2026-10-01", "2026-09-28", "2026-10-04", "week 40 of 2026, 28 September to 4 October"),
        ("weekly", "2026-12-31", "2026-12-28", "2027-01-03", "week 53 of 2026, 28 December 2026 to 3 January 2027"),
        ("weekly", "2027-01-03", "2026-12-28", "2027-01-03", "week 53 of 2026, 28 December 2026 to 3 January 2027"),
        ("weekly", "2027-01-04", "2027-01-04", "2027-01-10", "week 1 of 2027, 4 to 10 January"),
        ("weekly", "2024-12-31", "2024-12-30", "2025-01-05", "week 1 of 2025, 30 December 2024 to 5 January 2025"),
        ("monthly", "2026-11-20", "2026-11-01", "2026-11-30", "November 2026"),
        ("monthly", "2028-02-10", "2028-02-01", "2028-02-29", "February 2028"),
        ("monthly", "2027-02-28", "2027-02-01", "2027-02-28", "February 2027"),
        ("monthly", "2026-12-31", "2026-12-01", "2026-12-31", "December 2026"),
    ],
)
def test_the_period_of_a_day(kind: str, date: str, first: str, last: str, title: str) -> None:
    period = containing(cast(Kind, kind), day_number(dt.date.fromisoformat(date)))
    assert (date_of(period.first).isoformat(), date_of(period.last).isoformat()) == (first, last)
    assert period.title == title


@pytest.mark.parametrize(
    ("kind", "today", "first"),
    [
        ("daily", "2026-12-01", "2026-11-30"),
        ("daily", "2028-03-01", "2028-02-29"),
        ("weekly", "2026-11-22", "2026-11-09"),
        ("weekly", "2026-11-23", "2026-11-16"),
        ("weekly", "2027-01-04", "2026-12-28"),
        ("monthly", "2026-11-30", "2026-10-01"),
        ("monthly", "2027-01-01", "2026-12-01"),
    ],
)
def test_the_last_full_one(kind: str, today: str, first: str) -> None:
    period = last_full(cast(Kind, kind), day_number(dt.date.fromisoformat(today)))
    assert date_of(period.first).isoformat() == first


def test_before() -> None:
    assert _dates("monthly", dt.date(2026, 3, 31), 1) == (dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    assert _dates("monthly", dt.date(2026, 3, 31), 15) == (dt.date(2024, 12, 1), dt.date(2024, 12, 31))
    assert _dates("weekly", dt.date(2027, 1, 6), 1) == (dt.date(2026, 12, 28), dt.date(2027, 1, 3))
    shorts = [containing(kind, day_number(dt.date(2027, 1, 6))).before().short for kind in KINDS]
    assert shorts == ["Tuesday", "week 53", "December"]


@given(st.sampled_from(KINDS), st.dates(dt.date(2000, 1, 1), dt.date(9000, 12, 31)))
def test_periods_follow_each_other(kind: Kind, date: dt.date) -> None:
    day = day_number(date)
    period = containing(kind, day)
    assert period.first <= day <= period.last
    assert period.before().last + 1 == period.first
    assert last_full(kind, day) == period.before()
    history = period.history()
    assert len(history) == {"daily": 14, "weekly": 8, "monthly": 12}[kind]
    assert history[-1] == period
    assert all(early.last + 1 == late.first for early, late in itertools.pairwise(history))
