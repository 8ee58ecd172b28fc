"""From a push to an exposition, through the whole exporter: restarts, outages, reloads, midnight, and floods."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_observability.errors import ConfigError
from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.keys import add_key
from agent_observability.ledger.queries import daily, events
from agent_observability.ledger.transaction import Transaction
from agent_observability.llm_cost.booking import KIND
from agent_observability.llm_cost.budgets import budgets
from agent_observability.llm_cost.config import BudgetConfig, LlmCostConfig
from agent_observability.llm_cost.metrics import PICO
from tests.ledger.cluster import Cluster, why_not
from tests.ledger.storage import place
from tests.llm_cost.living import Living, living, prices_in, total
from tests.support import wait_until_async

HOUSE = 'provider="house",model="house-1",project="p",feature="agent_execution"'
KEY = 'provider="house",project="p",feature="agent_execution"'
_GAUGES = ("llm_cost_last_hour_usd", "llm_cost_today_usd", "llm_cost_yesterday_usd", "llm_cost_month_to_date_usd")
_numbers = itertools.count()


def use(count: int = 1_000_000, /, **fields: Any) -> dict[str, Any]:
    """An event of now, by default of two dollars."""
    return {
        "id": f"e{next(_numbers)}",
        "timestamp": time.time(),
        "provider": "house",
        "model": "house-1",
        "project": "p",
        "feature": "agent_execution",
        "tokens": {"input": count},
    } | fields


async def test_what_is_pushed_is_exposed(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        event = use(500_000, duration_seconds=2)
        assert await it.post("usage", event) == (200, {"accepted": 1, "duplicates": 0, "rejected": 0})
        assert await it.post("usage", [event, event]) == (200, {"accepted": 0, "duplicates": 2, "rejected": 0})
        failed = use(0, status="error", error_type="rate_limited", tokens={})
        await it.push(failed)
        await it.push({"feature": "agent_execution", "unit": "issue", "count": 3}, what="units")
        found = await it.values("llm_")
        for name in ("llm_request_duration_seconds", "llm_cost_month_projected", "llm_price", "llm_budget_reset"):
            found = {key: value for key, value in found.items() if not key.startswith(name)}
        call = f'{{{HOUSE},operation="chat"'
        assert found == {
            f'llm_requests_total{call},status="success"}}': 1,
            f'llm_requests_total{call},status="error"}}': 1,
            'llm_request_errors_total{provider="house",model="house-1",error_type="rate_limited"}': 1,
            f'llm_tokens_total{{{HOUSE},type="input"}}': 500_000,
            f'llm_cost_usd_total{{{HOUSE},type="input",cost_source="estimated"}}': 1,
            'llm_feature_units_total{feature="agent_execution",unit="issue"}': 3,
            f"llm_cost_last_hour_usd{{{KEY}}}": 1,
            f"llm_cost_today_usd{{{KEY}}}": 1,
            f"llm_cost_month_to_date_usd{{{KEY}}}": 1,
            **{
                f'llm_budget_{what}_usd{{budget="{name}",scope="total",key="",period="{period}"}}': usd
                for name, period, limit in (("daily", "day", 100), ("monthly", "month", 1000))
                for what, usd in (("limit", limit), ("spent", 1), ("remaining", limit - 1))
            },
        }
        prices = await it.shown("llm_price_usd")
        assert [line.partition("type=")[2] for line in prices] == ['"input"} 2.0', '"output"} 4.0']


async def test_delays_of_what_is_new_and_of_no_history(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        now = time.time()
        await it.push(use(timestamp=now - 20), use(timestamp=now - 20), use(timestamp=now - 4_000))
        unit = {"feature": "agent_execution", "unit": "test", "timestamp": now - 2_000}
        await it.push(unit, what="units")
        await it.push(use(timestamp=now - 86_400), what="usage?backfill=true")
        await it.push(unit, what="units?backfill=true")
        values = await it.values("agent_obs_event_delay_seconds")
        counts = {name: value for name, value in values.items() if "_count" in name or 'le="30.0"' in name}
        assert counts == {
            'agent_obs_event_delay_seconds_bucket{source="usage",le="30.0"}': 2,
            'agent_obs_event_delay_seconds_count{source="usage"}': 3,
            'agent_obs_event_delay_seconds_count{source="units"}': 1,
        }
        assert sum((await it.values("llm_requests_total")).values()) == 4
        status, answer = await it.post("usage?dry_run=true", use())
        assert (status, answer["field"]) == (400, "dry_run")


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


async def agrees(it: Living) -> None:
    """Counters, gauges and the sums in the ledger are one."""
    days = it.days()
    requests = await it.shown("llm_requests_total{")
    assert total(requests) == days["requests"]
    assert total(await it.shown("llm_cost_usd_total{")) == pytest.approx(days["pico_usd"] / PICO, abs=1e-9)
    assert total(await it.shown("llm_cost_month_to_date_usd{")) == pytest.approx(days["pico_usd"] / PICO, abs=1e-9)


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


async def test_reloads_under_load(tmp_path: Path) -> None:
    """Each reload reads the books anew; nobody who repeats what was refused loses or doubles anything."""
    async with living(tmp_path) as it:
        done = False
        refused = 0

        async def client(number: int) -> None:
            nonlocal refused
            for n in range(40):
                event = use(id=f"{number}-{n}")
                while (await it.post("usage", event))[0] == 503:
                    refused += 1
                    await asyncio.sleep(0.005)

        async def reload() -> None:
            for number in range(1_000):
                if done:
                    return
                section = it.service.section
                assert isinstance(section, LlmCostConfig)
                features = ["agent_execution", f"feature {number % 10}"]
                it.service.reload(LlmCostConfig(prices=section.prices, features=features))
                await asyncio.sleep(0.05)

        reloading = asyncio.create_task(reload())
        await asyncio.gather(*map(client, range(8)))
        done = True
        await reloading
        await it.ready()
        await agrees(it)
        assert it.days()["requests"] == 320
        print(f"{refused} of {320 + refused} pushes came while the books were read")


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


async def test_a_reload_changes_features_budgets_and_zone(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        await it.push(use(feature="new one"), use())
        other = "Pacific/Kiritimati"
        budget = BudgetConfig(name="new", usd=10, period="month", scope="feature", key="new one")
        prices = prices_in(tmp_path)
        prices.write_text(prices.read_text().replace("input: 2", "input: 20"))
        section = LlmCostConfig(features=["new one"], budgets=[budget], time_zone=other, prices=prices)
        it.service.reload(section)
        await wait_until_async(lambda: it.runtime._life and it.runtime._life.section is section)
        await it.push(use(feature="new one"), use())
        costs = await it.values("llm_cost_usd_total")
        by_feature = {name.partition('feature="')[2].partition('"')[0]: value for name, value in costs.items()}
        # What was counted before stays where it was.
        assert by_feature == {"other": 22, "agent_execution": 2, "new one": 20}
        units = await it.shown('llm_feature_units_total{feature="new one"')
        assert len(units) == 3
        labels = 'budget="new",scope="feature",key="new one",period="month"'
        found = await it.values("llm_budget")
        calendar = it.runtime._life.calendar  # type: ignore[union-attr]
        [state] = budgets([budget], calendar, time.time(), None)
        assert found == {
            f"llm_budget_limit_usd{{{labels}}}": 10,
            f"llm_budget_spent_usd{{{labels}}}": 20,
            f"llm_budget_remaining_usd{{{labels}}}": -10,
            f"llm_budget_reset_timestamp_seconds{{{labels}}}": state.reset,
        }
        assert calendar.zone.key == other
        today = calendar.today(time.time())
        late = [row.amounts[0] for row in daily(it.ledger.backend, kinds=[KIND], first=today, last=today)]
        assert sum(late) >= 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prices: [{provider: house, model: house-1, per_million: {input: -2}}]", "input"),
        ("prices: [", "prices.yaml"),
        (None, "No such file"),
    ],
)
async def test_a_broken_file_of_prices_changes_nothing(tmp_path: Path, text: str | None, problem: str) -> None:
    async with living(tmp_path) as it:
        await it.push(use())
        file = prices_in(tmp_path)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
        life = it.runtime._life
        with pytest.raises(ConfigError, match=problem):
            it.service.reload(LlmCostConfig(prices=file, features=["x"], budgets=[]))
        await it.push(use())
        assert it.runtime._life is life
        assert await it.values("llm_cost_usd_total") == {
            f'llm_cost_usd_total{{{HOUSE},type="input",cost_source="estimated"}}': 4
        }
        assert len(await it.scrape("llm_budget_limit_usd")) == 2


async def test_a_hundred_thousand_junk_models(tmp_path: Path) -> None:
    """Series, label tuples in the ledger and memory stay bounded, and no token or dollar is lost."""
    number, together = 100_000, 5_000
    async with living(tmp_path) as it:
        before = rss()
        for first in range(0, number, together):
            await it.push(
                *(
                    use(1, model=f"junk-{n}", project=f"p{n % 1_500}", operation=f"o{n}", cost_usd="0.000000000003")
                    for n in range(first, first + together)
                )
            )
        grown = rss() - before
        requests = await it.shown("llm_requests_total{")
        assert total(requests) == number
        assert sum(int(line.rsplit(" ", 1)[1]) for line in await it.shown("llm_tokens_total{")) == number
        assert round(total(await it.shown("llm_cost_usd_total{")) * PICO) == 3 * number
        everything = await it.scrape()
        rows = it.ledger.backend.rows()
        print(f"{len(everything)} lines, {rows['dimension']} label tuples, {rows['series']} series, +{grown >> 20} MiB")
        assert len(requests) <= 20_000
        assert len({line.partition('model="')[2].partition('"')[0] for line in requests}) <= 201
        assert rows["dimension"] <= 20_003
        assert grown < 250 * 1024**2
        days = it.days()
        assert (days["requests"], days["pico_usd"]) == (number, 3 * number)
        gauge = await it.scrape("llm_cost_today_usd{")
        assert len(gauge) <= 10_000
        assert round(total(gauge) * PICO) == 3 * number
        dropped = await it.values('agent_obs_series_dropped_total{metric="llm_requests_total"')
        assert sum(dropped.values()) > 0


def rss() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4096


async def test_absurd_counts_are_refused_and_their_neighbours_kept(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        wrong = [use(-1), use(10**12), use(cost_usd=2e6), use(timestamp=time.time() * 1000), use(model="")]
        items = [one for bad in wrong for one in (use(), bad)]
        status, answer = await it.post("usage", items)
        assert (status, answer["accepted"], answer["rejected"]) == (200, 5, 5)
        named = [(error["index"], error["field"]) for error in answer["errors"]]
        assert named == [
            (1, "tokens.input"),
            (3, "tokens.input"),
            (5, "cost_usd"),
            (7, "timestamp"),
            (9, "model"),
        ]
        assert sum((await it.values("llm_requests_total")).values()) == 5
        items_counted = await it.values("agent_obs_intake_items_total")
        assert items_counted == {
            'agent_obs_intake_items_total{intake="usage",result="accepted"}': 5,
            'agent_obs_intake_items_total{intake="usage",result="rejected"}': 5,
        }


async def test_keys_of_projects(tmp_path: Path) -> None:
    """Two projects may give the same ids at the same time; nobody counts for another; strangers count for nobody."""
    file = tmp_path / "keys.yaml"
    one, two = (add_key(file, name, name, None) for name in ("one", "two"))
    intake = IntakeConfig(listen=["127.0.0.1:0"], keys_file=file)
    async with living(tmp_path, intake=intake) as it:
        event = use()
        del event["project"]

        async def push(key: str, **fields: Any) -> tuple[int, dict[str, Any]]:
            return await it.post("usage", event | fields, {"Authorization": f"Bearer {key}"})

        assert [(await push(key))[1] for key in (one, two)] == [{"accepted": 1, "duplicates": 0, "rejected": 0}] * 2
        assert (await push(one))[1]["duplicates"] == 1
        status, answer = await push(one, project="two")
        assert status == 422
        assert answer["errors"] == [{"index": 0, "field": "project", "reason": "this key is for 'one' only"}]
        assert (await push(f"{one[:-1]}_"))[0] == 401
        assert (await it.post("usage", event))[0] == 401
        costs = await it.values("llm_cost_today_usd")
        assert [name.partition('project="')[2][:3] for name in costs] == ["one", "two"]
        assert set(costs.values()) == {2.0}


async def test_a_small_zip_bomb(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        bomb = gzip.compress(b"[" + b" " * (64 * 1024**2) + b"]")
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        async with it.session.post(f"{it.intake_url}/api/v1/usage", data=bomb, headers=headers) as response:
            assert response.status == 413
        body = gzip.compress(json.dumps([use()]).encode())
        async with it.session.post(f"{it.intake_url}/api/v1/usage", data=body, headers=headers) as response:
            assert (response.status, await response.json()) == (200, {"accepted": 1, "duplicates": 0, "rejected": 0})


async def test_names_at_the_bounds_are_stored(tmp_path: Path) -> None:
    """Whatever is taken fits into the ledger's keys, so that no neighbour is refused for it."""
    longest = {
        "provider": "é" * 50,
        "model": "工" * 83,
        "project": "🙂" * 50,
        "id": "🙂" * 100,
        "operation": "🙂" * 100,
    }
    async with living(tmp_path, features=["工" * 100]) as it:
        await it.push(use(), use(**longest, feature="工" * 100, error_type="🙂" * 100, status="error"))
        assert len(await it.shown("llm_requests_total")) == 2


async def test_the_first_push_holds_nobody_up(tmp_path: Path) -> None:
    """Prices are read with the books, not when the first event comes."""
    async with living(tmp_path) as it:
        late = await slowest(lambda: it.push(use(model="claude-sonnet-4-5", provider="anthropic")))
        print(f"the event loop was held up for {late * 1000:.0f} ms at most")
        assert "_library" in it.runtime._pricer.__dict__


async def slowest(work: Callable[[], Any]) -> float:
    """How late the event loop was at worst while something was done."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - begun - 0.001)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await work()
    watching.cancel()
    return worst


async def test_events_of_all_kinds_are_in_one_ledger(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        await it.push(use())
        await it.push({"feature": "x", "unit": "session", "id": "1", "timestamp": time.time()}, what="units")
        assert sorted(event.kind for event in events(it.ledger.backend)) == ["units", "usage"]
