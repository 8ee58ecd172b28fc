"""What the demo tells arrives: by JSON, by the SDK's spans and by a coding agent's logs, all that its meter noted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent_observability.demo import gateway as gateway_module
from agent_observability.demo import spending as spending_module
from agent_observability.demo.billing import Meter
from agent_observability.demo.gateway import Gateway
from agent_observability.demo.models import LINES
from agent_observability.demo.spending import Spending
from agent_observability.demo.traffic import Call, Traffic
from agent_observability.llm_cost.metrics import PICO
from tests.llm_cost.billing.lab import serving
from tests.llm_cost.living import Living, living
from tests.support import wait_until_async

_TYPES = ("input", "cache_read", "output")


class Short(Traffic):
    """Busy for some seconds, then nothing more."""

    def __init__(self, seconds: int) -> None:
        super().__init__(pace=150.0)
        self._left = seconds

    def calls(self, since: float, until: float) -> list[Call]:
        self._left -= 1
        return super().calls(since, until) if self._left >= 0 else []


def noted(meter: Meter) -> dict[str, Counter[str]]:
    """What the providers have metered, by model."""
    found: dict[str, Counter[str]] = {}
    for by_minute in meter._sums.values():
        for parts in by_minute.values():
            for part, sums in parts.items():
                found.setdefault(part.model, Counter()).update(sums)
    return found


async def arrived(it: Living) -> dict[str, Counter[str]]:
    """What the exporter shows, by model; money in pico-dollars."""
    found: dict[str, Counter[str]] = {}
    for name, value in (await it.values("llm_requests_total{", "llm_tokens_total{", "llm_cost_usd_total{")).items():
        sums = found.setdefault(name.partition('model="')[2].partition('"')[0], Counter())
        if name.startswith("llm_requests"):
            sums["requests"] += round(value)
        elif name.startswith("llm_tokens"):
            sums[name.partition('type="')[2].partition('"')[0]] += round(value)
        else:
            sums["cost"] += round(value * PICO)
    return found


def few(sums: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {model: {name: of[name] for name in ("requests", "cost", *_TYPES)} for model, of in sums.items()}


async def test_all_that_is_told_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, tokens and dollars of each model are to the last pico-dollar what its provider has metered."""
    monkeypatch.setattr(spending_module, "_PAST_DAYS", 2)
    async with living(tmp_path) as it:
        meter = Meter()
        spending = Spending(it.intake_url, meter, Short(4))
        history = len(spending._past)
        task = asyncio.create_task(spending.run())
        try:
            await wait_until_async(lambda: spending._traffic._left < 0, 60, what="the traffic's end")  # type: ignore[attr-defined]
            truth = few(noted(meter))
            calls = sum(of["requests"] for of in truth.values())
            await wait_until_async(lambda: it.days()["requests"] >= calls, 30, what="the last call")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        found = few(await arrived(it))
        assert found == truth
        by_way = Counter(line.way for line in LINES for _ in range(truth[line.model]["requests"]))
        print(f"{dict(by_way)} calls of {len(truth)} models")
        assert by_way.keys() == {"json", "spans", "logs"}
        unpriced = await it.values("llm_unpriced_requests_total")
        assert {name.partition('model="')[2].partition('"')[0] for name in unpriced} == {"house-coder-70b"}
        assert sum(unpriced.values()) == truth["house-coder-70b"]["requests"] - failed(await it.shown("llm_requests"))
        # Where it is used, and whose it is.
        places = {tuple(event.split("/")) for event in await labels(it)}
        assert places == {(line.provider, line.model, line.project, line.feature) for line in LINES}
        assert await it.values("vteam_runner_claude_tokens_total", "vteam_runner_workspace_operations_total")
        units = await it.values("llm_feature_units_total")
        assert sum(units.values()) >= 1
        # History says nothing of how fast anything is.
        late = sum((await it.values("agent_obs_event_delay_seconds_count")).values())
        assert late == calls + sum(units.values()) - history


def failed(requests: list[str]) -> int:
    """Calls of the model without a price that failed, for which nobody would have charged."""
    lines = [line for line in requests if 'model="house-coder-70b"' in line and 'status="success"' not in line]
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines)


async def labels(it: Living) -> set[str]:
    names = await it.values("llm_requests_total{")
    found = set()
    for name in names:
        pairs = dict(pair.split("=", 1) for pair in name.partition("{")[2].rstrip("}").split(","))
        found.add("/".join(pairs[label].strip('"') for label in ("provider", "model", "project", "feature")))
    return found


async def test_a_demo_that_starts_again_tells_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the hour that was not over."""
    hour = time.time() // 3_600 * 3_600
    async with living(tmp_path) as it, aiohttp.ClientSession() as session:
        for traffic in (Traffic(), Traffic()):
            await Gateway(it.intake_url, session).backfill(traffic.past(hour, 2))
        assert it.days()["requests"] == len(list(Traffic().past(hour, 2)))
        duplicates = await it.values('agent_obs_intake_items_total{intake="usage",result="duplicate"}')
        assert sum(duplicates.values()) == it.days()["requests"]


async def test_an_intake_that_is_away_gets_it_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which it was told, and once."""
    monkeypatch.setattr(gateway_module, "_AGAIN_SECONDS", 0.01)
    got: list[str] = []
    statuses = iter([503, 429, 500, 200, 503, 200])

    async def take(request: web.Request) -> web.Response:
        status = next(statuses, 200)
        if status == 200:
            got.extend(event["id"] for event in await request.json())
        return web.json_response({"rejected": 0}, status=status)

    calls = Traffic(pace=600.0).calls(1_790_000_000, 1_790_000_030)
    async with serving(web.post("/api/v1/usage", take)) as url, aiohttp.ClientSession() as session:
        gateway = Gateway(url, session)
        running = asyncio.create_task(gateway.run())
        gateway.tell(calls[:600])
        gateway.tell(calls[600:])
        await wait_until_async(lambda: len(got) == len(calls), what="all calls")
        running.cancel()
    assert got == [gateway_module.as_json(call)["id"] for call in calls]


@pytest.mark.parametrize(
    ("status", "answer"), [(401, {"error": "key"}), (200, {"accepted": 1, "rejected": 1, "errors": []})]
)
async def test_what_is_not_taken_is_said(status: int, answer: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Trying again would be no use."""

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response(answer, status=status)

    caplog.set_level(logging.WARNING)
    async with serving(web.post("/api/v1/units", refuse)) as url, aiohttp.ClientSession() as session:
        async with asyncio.timeout(5):
            await Gateway(url, session).unit("voice_architect", "session")
    assert "the intake has not taken all of units" in caplog.text


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_WAITING", 50)
    async with aiohttp.ClientSession() as session:
        gateway = Gateway("http://127.0.0.1:1", session)
        calls = Traffic(pace=600.0).calls(1_790_000_000, 1_790_000_030)
        gateway.tell(calls)
        assert [event["id"] for event in gateway._waiting] == [
            gateway_module.as_json(call)["id"] for call in calls[-50:]
        ]
