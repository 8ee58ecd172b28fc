"""From a push to an exposition, through the whole exporter; and what must not get that far."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.keys import add_key
from agent_observability.ledger.queries import events
from tests.llm_cost.junk import junk
from tests.llm_cost.living import living
from tests.llm_cost.using import HOUSE, KEY, agrees, use


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


async def test_of_a_request_that_was_sent_in_part_the_rest_counts(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        first, second = use(), use()
        await it.push(first)
        assert (await it.post("usage", [first, second]))[1] == {"accepted": 1, "duplicates": 1, "rejected": 0}
        assert await it.values("llm_cost_today_usd") == {f"llm_cost_today_usd{{{KEY}}}": 4}
        await agrees(it)


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


async def test_junk_models(tmp_path: Path) -> None:
    await junk(tmp_path, 20_000)


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
