"""Budgets: what is spent of them in which period, what is left, and when they begin anew."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from agent_observability.llm_cost.books import Books, Key
from agent_observability.llm_cost.budgets import BudgetState, budgets
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import BudgetConfig, LlmCostConfig
from agent_observability.llm_cost.metrics import PICO

A: Key = ("openai", "shop", "e2e_generation")
B: Key = ("anthropic", "shop", "other")


def unix(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


def states(
    configured: list[BudgetConfig], zone: str, now: str, events: list[tuple[str, Key, float]], *, loaded: bool = True
) -> list[BudgetState]:
    calendar = Calendar(zoneinfo.ZoneInfo(zone))
    books = Books(calendar, fresh=0.0)
    for moment, key, usd in events:
        books.add(int(unix(moment) * 1_000), {key: round(usd * PICO)})
    if loaded:
        books.loaded()
    return budgets(configured, calendar, unix(now), books.snapshot(unix(now)))


DAILY = BudgetConfig(name="daily", usd=100, period="day")
MONTHLY = BudgetConfig(name="monthly", usd=1_000, period="month")
PARTS = [
    BudgetConfig(name="openai", usd=5, period="month", scope="provider", key="openai"),
    BudgetConfig(name="shop", usd=0.5, period="day", scope="project", key="shop"),
    BudgetConfig(name="other", usd=10, period="month", scope="feature", key="other"),
    BudgetConfig(name="nobody", usd=10, period="day", scope="project", key="nobody"),
]
EVENTS = [
    ("2026-05-31T23:59:59.999+02:00", A, 64.0),
    ("2026-06-01T00:00:00+02:00", A, 4.0),
    ("2026-06-14T23:59:00+02:00", B, 2.5),
    ("2026-06-15T00:00:00+02:00", A, 1.25),
    ("2026-06-15T12:00:00+02:00", B, 0.000_000_000_001),
]


def test_what_is_spent_and_left_by_scope_and_period() -> None:
    found = states([DAILY, MONTHLY, *PARTS], "Europe/Berlin", "2026-06-15T12:30:00+02:00", EVENTS)
    spent = {state.budget.name: state.spent for state in found}
    assert spent == {
        "daily": 1_250_000_000_001,
        "monthly": 7_750_000_000_001,
        "openai": 5_250_000_000_000,
        "shop": 1_250_000_000_001,
        "other": 2_500_000_000_001,
        "nobody": 0,
    }
    left = {state.budget.name: state.remaining for state in found}
    assert left["daily"] == 98_749_999_999_999
    # More than there was.
    assert left["openai"] == -250_000_000_000
    assert left["shop"] == -750_000_000_001
    assert left["nobody"] == 10 * PICO
    assert [state.limit for state in found] == [100 * PICO, 1_000 * PICO, 5 * PICO, PICO // 2, 10 * PICO, 10 * PICO]
    assert found[2].labels == ("openai", "provider", "openai", "month")
    assert found[0].labels == ("daily", "total", "", "day")


@pytest.mark.parametrize("key", ["OpenAI", "open_ai", "openai "])
def test_a_provider_may_be_called_by_any_of_its_names(key: str) -> None:
    """Else its budget would never be used up, and nobody would know."""
    budget = BudgetConfig(name="named", usd=5, period="month", scope="provider", key=key)
    [state] = states([budget], "Europe/Berlin", "2026-06-15T12:30:00+02:00", EVENTS)
    assert state.spent == 5_250_000_000_000
    assert state.labels == ("named", "provider", "openai", "month")


def test_the_default_ones_are_100_a_day_and_1000_a_month() -> None:
    found = states(LlmCostConfig().budgets, "UTC", "2026-06-15T12:00:00+00:00", [])
    assert [(*state.labels, state.limit, state.spent) for state in found] == [
        ("daily", "total", "", "day", 100 * PICO, 0),
        ("monthly", "total", "", "month", 1_000 * PICO, 0),
    ]


def test_before_the_books_are_loaded_limits_are_known_and_nothing_else() -> None:
    for state in states([DAILY, MONTHLY], "Asia/Kolkata", "2026-12-31T20:00:00+05:30", EVENTS, loaded=False):
        assert (state.spent, state.remaining) == (None, None)
        assert state.limit > 0
        assert state.reset == unix("2027-01-01T00:00:00+05:30")


@pytest.mark.parametrize(
    ("zone", "now", "next_day", "next_month"),
    [
        ("UTC", "2026-01-31T23:59:59+00:00", "2026-02-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        ("UTC", "2028-02-28T12:00:00+00:00", "2028-02-29T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
        ("UTC", "2026-02-28T12:00:00+00:00", "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
        # Months and days in which clocks change.
        ("Europe/Berlin", "2026-03-29T00:30:00+01:00", "2026-03-30T00:00:00+02:00", "2026-04-01T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T12:00:00+01:00", "2026-10-26T00:00:00+01:00", "2026-11-01T00:00:00+01:00"),
        ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-02T00:00:00-05:00", "2026-12-01T00:00:00-05:00"),
        ("America/New_York", "2026-11-01T01:30:00-05:00", "2026-11-02T00:00:00-05:00", "2026-12-01T00:00:00-05:00"),
        ("Asia/Kolkata", "2026-12-31T23:30:00+05:30", "2027-01-01T00:00:00+05:30", "2027-01-01T00:00:00+05:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00+10:30", "2026-04-06T00:00:00+10:30", "2026-05-01T00:00:00+10:30"),
        # The day after 29 December was the 31st.
        ("Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"),
        # Midnight was skipped.
        ("America/Havana", "2026-03-07T12:00:00-05:00", "2026-03-08T01:00:00-04:00", "2026-04-01T00:00:00-04:00"),
    ],
)
def test_when_they_begin_anew(zone: str, now: str, next_day: str, next_month: str) -> None:
    day, month = states([DAILY, MONTHLY], zone, now, [])
    assert (day.reset, month.reset) == (unix(next_day), unix(next_month))


@pytest.mark.parametrize(
    ("now", "daily", "monthly"),
    [
        ("2026-05-31T23:59:59.999+02:00", 64, 64),
        ("2026-06-01T00:00:00+02:00", 4, 4),
        ("2026-06-02T00:00:00+02:00", 0, 4),
        ("2026-07-01T00:00:00+02:00", 0, 0),
    ],
)
def test_a_new_period_begins_with_nothing(now: str, daily: int, monthly: int) -> None:
    """Told ahead of its time, money of the next month waits for it."""
    events = [event for event in EVENTS if unix(event[0]) < unix(now) + 300]
    day, month = states([DAILY, MONTHLY], "Europe/Berlin", now, events)
    assert day.spent == daily * PICO
    if now < "2026-06-14":
        assert month.spent == monthly * PICO


def test_a_late_event_is_of_the_period_it_was_spent_in() -> None:
    late = [*EVENTS, ("2026-05-20T12:00:00+02:00", A, 8.0), ("2026-06-14T12:00:00+02:00", A, 8.0)]
    day, month = states([DAILY, MONTHLY], "Europe/Berlin", "2026-06-15T12:30:00+02:00", late)
    assert day.spent == 1_250_000_000_001
    assert month.spent == 15_750_000_000_001
