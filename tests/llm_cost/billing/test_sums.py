"""Billed windows, and the ratio of metered to billed dollars."""

from __future__ import annotations

import pytest

from agent_observability.llm_cost.billing.account import Account, Bill
from agent_observability.llm_cost.billing.sums import billed, billed_between, capture_days, capture_ratio
from agent_observability.llm_cost.metrics import PICO, WINDOWS
from tests.llm_cost.billing.lab import at, day

NOW = at("2026-03-03T12:00")
TODAY = day("2026-03-03")


def account(costs: dict[int, int | None], *, read: float = NOW, unfinished: int | None = None) -> Account:
    """Costs by days before today."""
    bills = {TODAY - ago: Bill(cost=cost, over=ago not in (0, unfinished)) for ago, cost in costs.items()}
    return Account(provider="openai", name="default", bills=bills, costs_at=read)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({0: 1, 1: 2, 2: 4, 3: 8}, [1, 2, 7]),
        ({0: 1, 2: 4}, [1, None, None]),
        ({1: 2, 2: 4}, [None, 2, 6]),
        ({0: 1, 1: None, 2: 4}, [1, None, None]),
        ({0: -5, 1: 0, 2: 0}, [-5, 0, -5]),
        ({}, [None, None, None]),
    ],
)
def test_windows(costs: dict[int, int | None], expected: list[int | None]) -> None:
    assert [billed(account(costs), window, NOW) for window in WINDOWS] == expected


def test_on_the_first_of_a_month_only_today_counts() -> None:
    first = at("2026-03-01T12:00")
    assert [billed(account({2: 4, 3: 8}, read=first), window, first) for window in WINDOWS] == [4, 8, 4]
    assert billed(account({3: 8}, read=first), "month_to_date", first) is None


@pytest.mark.parametrize(("hours", "known"), [(0, True), (36, True), (36.01, False)])
def test_a_bill_grows_old(hours: float, known: bool) -> None:
    found = billed(account({0: 1, 1: 2, 2: 4}, read=NOW - hours * 3_600), "today", NOW)
    assert found == (1 if known else None)


def test_the_providers_day_may_be_another() -> None:
    assert billed(account({0: 1, 1: 2, 2: 4}), "today", NOW, TODAY - 1) == 2


def test_capture_needs_every_day_of_every_account() -> None:
    days = capture_days(TODAY)
    assert days == (TODAY - 8, TODAY - 2)
    whole = account(dict.fromkeys(range(10), 10))
    assert billed_between([whole], *days) == 70
    assert billed_between([whole, whole], *days) == 140
    assert billed_between([], *days) is None
    assert billed_between([whole, account(dict.fromkeys(range(8), 10))], *days) is None
    assert billed_between([account(dict.fromkeys(range(10), 10), unfinished=5)], *days) is None
    assert billed_between([account({**dict.fromkeys(range(10), 10), 4: None})], *days) is None


@pytest.mark.parametrize(
    ("metered", "bill", "expected"),
    [
        (99 * PICO, 100 * PICO, 0.99),
        (0, PICO, 0.0),
        (PICO, PICO - 1, None),
        (PICO, 0, None),
        (PICO, -5 * PICO, None),
        (PICO, None, None),
    ],
)
def test_capture_ratio(metered: int, bill: int | None, expected: float | None) -> None:
    assert capture_ratio(metered, bill) == expected
