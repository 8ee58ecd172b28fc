"""A process that ends sends all its signals at once: they tell the same calls, which count once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.llm_cost.living import Living, living

_CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "house", "gen_ai.request.model": "house-1"}
_AGENT = {"session.id": "s", "model": "house-1"}
_NAMES = {"traces": ("resourceSpans", "scopeSpans", "spans"), "logs": ("resourceLogs", "scopeLogs", "logRecords")}
_PROCESSES = 10


def _pairs(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in given.items()
    ]


def _request(signal: str, number: int, item: dict[str, Any]) -> dict[str, Any]:
    groups, scopes, items = _NAMES.get(signal, ("resourceMetrics", "scopeMetrics", "metrics"))
    resource = {"attributes": _pairs({"service.name": "app", "service.instance.id": f"i{number}"})}
    return {groups: [{"resource": resource, scopes: [{items: [item]}]}]}


def _metric(name: str, number: int, attributes: dict[str, Any], now: int) -> dict[str, Any]:
    point = {
        "startTimeUnixNano": str(now - 10**10),
        "timeUnixNano": str(now),
        "attributes": _pairs(attributes),
        "asInt": str(number),
    }
    return {"name": name, "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}}


def _genai(number: int, now: int) -> dict[str, dict[str, Any]]:
    span = {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now - 10**8),
        "attributes": _pairs(_CALL | {"gen_ai.usage.input_tokens": 100}),
    }
    return {"traces": span, "metrics": _metric("gen_ai.client.inference.usage.input_tokens", 100, _CALL, now)}


def _agents(number: int, now: int) -> dict[str, dict[str, Any]]:
    session = {**_AGENT, "session.id": f"s{number}"}
    log = {
        "eventName": "claude_code.api_request",
        "timeUnixNano": str(now - 10**8),
        "attributes": _pairs(session | {"input_tokens": 100, "event.sequence": 1}),
    }
    return {"logs": log, "metrics": _metric("claude_code.token.usage", 100, session | {"type": "input"}, now)}


async def _send(it: Living, signal: str, body: dict[str, Any]) -> None:
    async with it.session.post(f"{it.intake_url}/v1/{signal}", json=body) as response:
        assert (response.status, await response.json()) == (200, {})


@pytest.mark.parametrize("told", [_genai, _agents], ids=["spans and metrics", "events and metrics of coding agents"])
async def test_signals_that_come_at_once_count_once(tmp_path: Path, told: Any) -> None:
    async with living(tmp_path) as it:
        for number in range(_PROCESSES):
            signals = told(number, time.time_ns() - 10**9)
            await asyncio.gather(*[_send(it, name, _request(name, number, item)) for name, item in signals.items()])
        assert sum((await it.values("llm_tokens_total")).values()) == _PROCESSES * 100
