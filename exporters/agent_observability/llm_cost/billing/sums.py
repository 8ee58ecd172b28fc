"""Billed dollars of whole windows, and how much of them was metered. All days are UTC days."""

from __future__ import annotations

from collections.abc import Sequence

from agent_observability.llm_cost.billing.account import Account
from agent_observability.llm_cost.billing.reports import Day, calendar, day_of
from agent_observability.llm_cost.metrics import PICO, WINDOWS

__all__ = ["STALE_SECONDS", "billed", "billed_between", "capture_days", "capture_ratio"]

STALE_SECONDS = 36 * 3600
"""A bill that was not read for this long is not shown: today would be yesterday's."""


def billed(account: Account, window: str, now: float, today: Day | None = None) -> int | None:
    """Pico-dollars of a window, one of `WINDOWS`; None if they are not known, or not well enough.

    `now` is Unix time; `today` the day by the provider's clock where that differs. Between midnight and the next poll
    today is unknown, and the month to date ends with yesterday.
    """
    if now - account.costs_at > STALE_SECONDS:
        return None
    today = day_of(now) if today is None else today
    if window == WINDOWS[0]:
        return _cost(account, today)
    if window == WINDOWS[1]:
        return _cost(account, today - 1)
    first = today - (calendar(today).day - 1)
    past = _total(account, range(first, today))
    current = _cost(account, today)
    if past is None or (current is None and first == today):
        return None
    return past + (current or 0)


def billed_between(accounts: Sequence[Account], first: Day, last: Day) -> int | None:
    """Pico-dollars that one provider has billed for whole days; None unless each is known for every account."""
    total = 0
    for account in accounts:
        days = range(first, last + 1)
        cost = _total(account, days)
        if cost is None or not all(account.bills[day].over for day in days):
            return None
        total += cost
    return total if accounts else None


def capture_days(today: Day) -> tuple[Day, Day]:
    """The first and the last of the seven days that are compared: recent, but no longer restated as a rule."""
    return today - 8, today - 2


def capture_ratio(metered: int, billed: int | None) -> float | None:
    """Metered by billed pico-dollars; None while the bill is unknown, or so small that the ratio says nothing."""
    if billed is None or billed < PICO:
        return None
    return metered / billed


def _cost(account: Account, day: Day) -> int | None:
    bill = account.bills.get(day)
    return None if bill is None else bill.cost


def _total(account: Account, days: range) -> int | None:
    total = 0
    for day in days:
        cost = _cost(account, day)
        if cost is None:
            return None
        total += cost
    return total
