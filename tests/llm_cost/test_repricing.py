"""Calls that had no price get one, once."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger
from agent_observability.llm_cost.booking import Stored
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.repricing import Summary
from tests.llm_cost.living import Living, living, prices_in, total
from tests.llm_cost.unpriced import MODEL, NEW, pico, use
from tests.support import wait_until_async

_LINES = ("llm_requests_total", "llm_tokens_total", "llm_cost_usd_total", "llm_unpriced_requests_total")


async def reprice(it: Living, query: str = "") -> list[dict[str, Any]]:
    async with it.session.post(f"{it.url}/-/reprice{query}") as response:
        text = await response.text()
        assert response.status == 200, text
        return [json.loads(line) for line in text.splitlines()]


async def new_prices(it: Living, folder: Path, text: str = NEW) -> None:
    prices_in(folder).write_text(text)
    section = LlmCostConfig(prices=folder / "prices.yaml")
    it.service.reload(section)
    await wait_until_async(lambda: it.runtime._life and it.runtime._life.section is section)


async def test_first_dry_then_for_real_then_nothing(tmp_path: Path) -> None:
    number = 1_300
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(number)))
        await it.push(use(0, "house-1", id="priced"), use(1, "house-3"))
        before = await it.shown(*_LINES)
        days = it.days()
        assert [line for line in before if line.startswith("llm_unpriced")] == [
            f'llm_unpriced_requests_total{{provider="house",model="house-2",reason="unknown_model"}} {number}',
            'llm_unpriced_requests_total{provider="house",model="house-3",reason="unknown_model"} 1',
        ]
        assert days["unpriced"] == number + 1

        # Nobody has named a price yet.
        [*_, last] = await reprice(it)
        assert last["models"] == {
            MODEL: {"priced": 0, "unpriced": number, "usd": 0},
            "house/house-3": {"priced": 0, "unpriced": 1, "usd": 0},
        }
        await new_prices(it, tmp_path)
        stored = it.ledger.backend.rows()["event"]
        usd = pico(range(number)) / PICO
        expected = {
            MODEL: {"priced": number, "unpriced": 0, "usd": usd},
            "house/house-3": {"priced": 0, "unpriced": 1, "usd": 0},
        }
        told = await reprice(it, "?dry_run=true")
        assert told[-1] == {"progress": 1.0, "models": expected, "done": True}
        progress = [one["progress"] for one in told]
        assert progress == sorted(progress)
        assert await it.shown(*_LINES) == before
        assert it.days() == days
        assert it.ledger.backend.rows()["event"] == stored

        gauge = total(await it.shown("llm_cost_today_usd"))
        assert (await reprice(it))[-1] == {"progress": 1.0, "models": expected, "done": True}
        after = await it.shown(*_LINES)
        fell = {line.rsplit(" ", 1)[0] for line in before} - {line.rsplit(" ", 1)[0] for line in after}
        assert not fell
        whose = 'provider="house",model="house-2",project="p",feature="other"'
        costs = [line for line in after if 'cost_source="repriced"' in line]
        paid = {"input": (pico(range(number)) - number) / PICO, "output": number / PICO}
        assert sorted(costs) == [
            f'llm_cost_usd_total{{{whose},type="{type_}",cost_source="repriced"}} {dollars!r}'
            for type_, dollars in paid.items()
        ]
        # All else stands as it was, the calls without a price, too.
        assert [line for line in after if line not in costs] == before
        assert total(await it.shown("llm_cost_today_usd")) == pytest.approx(gauge + usd, abs=1e-12)
        now = it.days()
        assert now["pico_usd"] == days["pico_usd"] + pico(range(number))
        assert {name: now[name] for name in ("requests", "input", "output", "failed", "unpriced")} == {
            **{name: days[name] for name in ("requests", "input", "output", "failed")},
            "unpriced": 1,
        }

        [*_, last] = await reprice(it)
        assert last["models"] == {"house/house-3": {"priced": 0, "unpriced": 1, "usd": 0}}
        assert it.days() == now
    async with living(tmp_path) as it:
        assert await it.shown(*_LINES) == after
        assert total(await it.shown("llm_cost_today_usd")) == pytest.approx(gauge + usd, abs=1e-12)


async def test_days_are_utc_and_both_included(tmp_path: Path) -> None:
    today = int(time.time() // 86_400)
    noon = [(today - age) * 86_400 + 43_200 for age in range(1, 5)]
    async with living(tmp_path) as it:
        await it.push(*(use(n, timestamp=at) for n, at in enumerate(noon)))
        await new_prices(it, tmp_path)
        days = [dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat() for at in noon]
        [*_, last] = await reprice(it, f"?since={days[2]}&until={days[1]}&dry_run=true")
        assert last["models"][MODEL]["priced"] == 2
        [*_, last] = await reprice(it, f"?until={days[3]}&dry_run=true")
        assert last["models"][MODEL]["priced"] == 1
        [*_, last] = await reprice(it, f"?since={days[0]}&dry_run=true")
        assert last["models"][MODEL]["priced"] == 1


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("?since=yesterday", "since: expected a day such as 2026-01-31, got 'yesterday'"),
        ("?until=2026-02-30", "until: expected a day such as 2026-01-31, got '2026-02-30'"),
        ("?since=2026-02-02&until=2026-01-31", "until: is before since"),
        ("?dry_run=1", "dry_run: expected true or false, got '1'"),
        ("?dryrun=true", "dryrun: not a parameter; known: since, until, dry_run"),
    ],
)
async def test_wrong_parameters(tmp_path: Path, query: str, reason: str) -> None:
    async with living(tmp_path) as it, it.session.post(f"{it.url}/-/reprice{query}") as response:
        assert (response.status, await response.text()) == (400, f"{reason}\n")


async def test_one_at_a_time(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        first = it.runtime.actions()["reprice"]({})
        await anext(first)
        async with it.session.post(f"{it.url}/-/reprice") as response:
            assert (response.status, await response.text()) == (
                400,
                "prices are being worked out already; wait for that to end\n",
            )
        # Whoever has gone away holds nobody up.
        await first.aclose()
        assert (await reprice(it))[-1]["done"]


async def test_pushes_meanwhile(tmp_path: Path) -> None:
    """What is pushed while prices are worked out is counted once, as ever."""
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(4_000)))
        await new_prices(it, tmp_path)
        running_ = asyncio.create_task(reprice(it))
        for n in range(20):
            await it.push(use(5_000 + n))
        assert (await running_)[-1]["done"]
        [*_, last] = await reprice(it)
        assert last["models"] == {}
        truth = pico(range(4_000)) + pico(range(5_000, 5_020))
        assert it.days()["pico_usd"] == truth
        assert total(await it.shown("llm_cost_month_to_date_usd")) == pytest.approx(truth / PICO, abs=1e-12)


async def test_the_ledger_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line says so; once it is back, the rest is done, and nothing twice."""
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(1_600)))
        await new_prices(it, tmp_path)
        submit = Ledger.submit
        batches = 0

        async def fail(self: Ledger, batch: Any) -> Any:
            nonlocal batches
            batches += batch.kind == "repriced"
            outcome = await submit(self, batch)
            if batches == 2:
                # Stored, and the answer lost.
                raise LedgerUnavailableError("the ledger does not say whether it has stored this")
            return outcome

        monkeypatch.setattr(Ledger, "submit", fail)
        told = await reprice(it)
        assert told[-1] == {"error": "the ledger does not say whether it has stored this"}
        monkeypatch.setattr(Ledger, "submit", submit)
        await it.ready()
        [*_, last] = await reprice(it)
        assert last["models"][MODEL]["priced"] == 600
        assert it.days()["pico_usd"] == pico(range(1_600))
        month = await it.shown("llm_cost_month_to_date_usd")
        assert total(month) == pytest.approx(pico(range(1_600)) / PICO, abs=1e-12)


async def test_the_ledger_cannot_be_read(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        await it.push(use(1))
        action = it.runtime.actions()["reprice"]({})
        await anext(action)
        for table in ("event", "dimension"):
            with it.ledger.backend._engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone_{table}")
        with pytest.raises(LedgerUnavailableError, match="the ledger cannot be read: no such table"):
            await anext(action)


def test_of_a_great_many_models_the_later_ones_are_summed_up() -> None:
    summary = Summary(100, most=3)
    for number in range(10):
        summary.add(Stored(provider="p", model=f"m{number}", requests=2), None)
    told = summary.tell(100)["models"]
    assert {model: found["unpriced"] for model, found in told.items()} == {
        "p/m0": 2,
        "p/m1": 2,
        "p/m2": 2,
        "__overflow__": 14,
    }
