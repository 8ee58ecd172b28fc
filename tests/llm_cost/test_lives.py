"""What is counted stays counted: over restarts, outages, lost commits, changes of leaders, and midnight."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_observability.ledger.transaction import Transaction
from tests.ledger.cluster import Cluster, why_not
from tests.ledger.storage import place
from tests.llm_cost.living import living, total
from tests.llm_cost.using import KEY, agrees, use
from tests.support import wait_until_async

_GAUGES = ("llm_cost_last_hour_usd", "llm_cost_today_usd", "llm_cost_yesterday_usd", "llm_cost_month_to_date_usd")


async def test_a_restart_changes_no_figure(tmp_path: Path) -> None:
    """Last hour, today, yesterday and the month come from the ledger again, as do all counters."""
    now = time.time()
    async with living(tmp_path, clock=lambda: now) as it:
        ages = (0, 60, 3_000, 4_000, 86_400, 2 * 86_400, 20 * 86_400)
        for number, age in enumerate(ages):
            await it.push(use(10**number, timestamp=now - age, project=f"p{number % 2}"))
        await it.push(use(1, provider="house", model="nobody's"))
        before = await it.values("llm_requests", "llm_tokens", "llm_cost_usd", "llm_unpriced")
        gauges = await it.values(*_GAUGES)
    async with living(tmp_path, clock=lambda: now) as it:
        assert await it.values("llm_requests", "llm_tokens", "llm_cost_usd", "llm_unpriced") == before
        assert await it.values(*_GAUGES) == gauges
        await it.push(use(7))
        assert total(await it.shown("llm_cost_usd_total")) == pytest.approx(sum(before_costs(before)) + 0.000014)


def before_costs(values: dict[str, float]) -> list[float]:
    return [value for name, value in values.items() if name.startswith("llm_cost_usd_total")]


async def test_the_ledger_goes_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile pushes are refused with 503, and scraped figures stay; afterwards the books are what is stored."""
    async with living(tmp_path) as it:
        await it.push(use())
        broken = True
        sign = Transaction.sign

        def fail(self: Transaction, number: int) -> None:
            if broken:
                raise OSError(28, "No space left on device")
            sign(self, number)

        monkeypatch.setattr(Transaction, "sign", fail)
        refused = use()
        for _ in range(3):
            status, answer = await it.post("usage", refused)
            assert status == 503, answer
        assert await it.scrape("llm_cost_today_usd") == [f"llm_cost_today_usd{{{KEY}}} 2.0"]
        broken = False
        status = 503
        while status == 503:
            status, answer = await it.post("usage", refused)
        assert (status, answer["accepted"] + answer["duplicates"]) == (200, 1)
        await it.ready()
        await agrees(it)
        assert await it.values("llm_cost_today_usd") == {f"llm_cost_today_usd{{{KEY}}}": 4.0}


async def test_pushes_in_the_middle_of_a_commit_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of each, in the end the books hold what the ledger holds, once."""
    async with living(tmp_path) as it:
        failing = itertools.cycle([False, False, True, False])
        sign = Transaction.sign

        def fail(self: Transaction, number: int) -> None:
            if next(failing):
                raise OSError(5, "Input/output error")
            sign(self, number)

        monkeypatch.setattr(Transaction, "sign", fail)

        async def client(number: int) -> None:
            for n in range(5):
                event = use(id=f"{number}-{n}")
                async with asyncio.timeout(60):
                    while (await it.post("usage", event))[0] != 200:
                        await asyncio.sleep(0.01)

        await asyncio.gather(*map(client, range(4)))
        monkeypatch.setattr(Transaction, "sign", sign)
        await it.ready()
        assert it.days()["requests"] == 20
        await wait_until_async(lambda: not it.runtime._changed.is_set() and it.runtime._life)
        await agrees(it)
        assert await it.values("llm_cost_today_usd") == {f"llm_cost_today_usd{{{KEY}}}": 40.0}


@pytest.mark.skipif(bool(why_not()), reason=why_not())
async def test_a_standby_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows nothing and takes nothing before; afterwards its books are those that the leader left.

    A leader that was cut off shows nothing any more once its lease is over, and what it knew is forgotten.
    """
    cluster = Cluster()
    storage = place(tmp_path, cluster)
    one, two = (storage.backend(host) for host in ("one", "two"))
    try:
        async with living(tmp_path, backend=one) as first, living(tmp_path, backend=two, wait=False) as second:
            await first.push(use())
            await wait_until_async(lambda: second.ledger.state.standby, what="standing by")
            assert (await second.post("usage", use()))[0] == 503
            assert await second.scrape(*_GAUGES, "llm_requests", "llm_budget_spent") == []
            await first.push(use())
            await wait_until_async(lambda: one.lease_seconds < math.inf, what="the leader to hear of it")
            back = one.open
            away = threading.Event()

            def open_later() -> None:
                if not away.is_set():
                    raise OSError("no route to host")
                back()

            monkeypatch.setattr(one, "open", open_later)
            with cluster.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
            await wait_until_async(lambda: second.ledger.state.up, 30, what="taking over")
            await second.ready()
            assert (await first.post("usage", use()))[0] == 503
            await second.push(use())
            await agrees(second)
            assert await second.values("llm_cost_today_usd") == {f"llm_cost_today_usd{{{KEY}}}": 6.0}
            await wait_until_async(lambda: first.runtime.withheld and first.runtime.shown is None, what="forgetting")
            assert await first.scrape(*_GAUGES, "llm_requests_total", "llm_budget_spent") == []
            away.set()
            await wait_until_async(lambda: first.ledger.state.standby, what="standing by, in turn")
            await second.ledger.stop()
            await first.ready()
            assert await first.values("llm_cost_today_usd") == {f"llm_cost_today_usd{{{KEY}}}": 6.0}
            await agrees(first)
    finally:
        cluster.remove()


async def test_midnight(tmp_path: Path) -> None:
    """Today becomes yesterday by the clock alone; a series that was there stays there, at 0."""
    now = time.time()
    midnight = (now // 86_400 + 1) * 86_400
    moment = midnight - 2
    async with living(tmp_path, clock=lambda: moment) as it:
        await it.push(use(timestamp=now))
        assert await it.scrape("llm_cost_today_usd", "llm_cost_yesterday_usd") == [
            f"llm_cost_today_usd{{{KEY}}} 2.0",
            f"llm_cost_yesterday_usd{{{KEY}}} 0.0",
        ]
        spent = 'llm_budget_spent_usd{budget="daily",scope="total",key="",period="day"}'
        reset = 'llm_budget_reset_timestamp_seconds{budget="daily",scope="total",key="",period="day"}'
        assert await it.scrape(spent, reset) == [f"{spent} 2.0", f"{reset} {midnight}"]
        moment = midnight + 1
        assert await it.scrape("llm_cost_today_usd", "llm_cost_yesterday_usd") == [
            f"llm_cost_today_usd{{{KEY}}} 0.0",
            f"llm_cost_yesterday_usd{{{KEY}}} 2.0",
        ]
        assert await it.scrape(spent, reset) == [f"{spent} 0.0", f"{reset} {midnight + 86_400}"]
        first = datetime.fromtimestamp(midnight, UTC).day == 1
        assert total(await it.scrape("llm_cost_month_to_date_usd")) == (0 if first else 2)
