"""The capture ratio as it is exposed: only where what was billed could have been metered."""

from __future__ import annotations

import zoneinfo
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent_observability.decode import Secret
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.billing.account import Account, Bill
from agent_observability.llm_cost.billing.poller import Poller
from agent_observability.llm_cost.books import Books
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import AccountConfig, BillingConfig
from agent_observability.llm_cost.show import BillingCollector

DAY = 86_400
NOW = 20_000.5 * DAY
TODAY = 20_000


async def _no_submit(batch: Batch) -> Outcome:
    raise AssertionError


async def _nothing() -> dict[str, Any]:
    return {}


def ratios(metered: dict[int, int], billed: int) -> dict[tuple[str, ...], float]:
    """The family for so many dollars metered by days before today, and billed on each of the last 20 days."""
    books = Books(Calendar(zoneinfo.ZoneInfo("UTC")), fresh=0.0)
    for ago, dollars in metered.items():
        books.add((TODAY - ago) * DAY * 1_000 + 1, {("openai", "p", "other"): dollars * m.PICO})
    books.loaded()
    accounts = BillingConfig(openai=[AccountConfig(key=Secret("k"))])
    poller = Poller(accounts, submit=_no_submit, load=_nothing, ready=_nothing, clock=lambda: NOW)
    bills = {TODAY - ago: Bill(cost=billed * m.PICO, over=ago > 0) for ago in range(20)}
    poller.watches[0].account = Account(provider="openai", name="default", bills=bills, costs_at=NOW)
    runtime, life = SimpleNamespace(poller=poller), SimpleNamespace(books=books)
    families = dict(BillingCollector(cast("Any", runtime))._of(cast("Any", life), NOW))
    assert families[m.BILLED]
    return dict(families[m.CAPTURE_RATIO])


CASES: list[tuple[str, dict[int, int], int, dict[tuple[str, ...], float]]] = [
    ("half of it", dict.fromkeys(range(20), 1), 2, {("openai",): 0.5}),
    ("nothing of it lately", {19: 1}, 2, {("openai",): 0.0}),
    ("nothing billed", dict.fromkeys(range(20), 1), 0, {}),
    ("nothing metered yet", {}, 2, {}),
    ("metered since a week", dict.fromkeys(range(8), 1), 2, {}),
    ("metered since a part of the day before the first", dict.fromkeys(range(10), 1), 2, {}),
    ("metered long enough", dict.fromkeys(range(11), 1), 2, {("openai",): 0.5}),
]


@pytest.mark.parametrize(("metered", "billed", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_only_days_that_were_metered_are_compared(
    metered: dict[int, int], billed: int, expected: dict[tuple[str, ...], float]
) -> None:
    """Else a new installation would be told for ten days that it misses most of the bill."""
    assert ratios(metered, billed) == expected
