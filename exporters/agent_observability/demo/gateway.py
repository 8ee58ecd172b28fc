"""The demo's gateway: tells calls to the intake as JSON, and repeats what was not accepted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from agent_observability.demo.traffic import Call

__all__ = ["Gateway", "as_json"]

log = logging.getLogger(__name__)

_BATCH = 500
# What waits while the intake is away; the oldest is forgotten beyond that.
_WAITING = 100_000
_AGAIN_SECONDS = 1.0


class Gateway:
    """`tell` never waits; `run` sends until it is cancelled."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_WAITING)
        self._some = asyncio.Event()

    def tell(self, calls: Iterable[Call]) -> None:
        self._waiting.extend(as_json(call) for call in calls)
        if self._waiting:
            self._some.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            await self._send("usage", batch)
            if not self._waiting:
                self._some.clear()

    async def backfill(self, calls: Iterable[Call]) -> None:
        """Tell of the past."""
        batch: list[dict[str, Any]] = []
        for call in calls:
            batch.append(as_json(call))
            if len(batch) == _BATCH:
                await self._send("usage?backfill=true", batch)
                batch = []
        if batch:
            await self._send("usage?backfill=true", batch)

    async def unit(self, feature: str, unit: str) -> None:
        """Tell that a feature has brought something about."""
        await self._send("units", [{"feature": feature, "unit": unit}])

    async def _send(self, what: str, items: Sequence[dict[str, Any]]) -> None:
        while True:
            try:
                async with self._session.post(f"{self._url}/api/v1/{what}", json=items) as answer:
                    # What is wrong stays wrong; all else passes.
                    if answer.status < 429:
                        told = await answer.json() if answer.status == 200 else {}
                        if answer.status != 200 or told.get("rejected"):
                            log.warning("the intake has not taken all of %s: %d %s", what, answer.status, told)
                        return
                    problem = str(answer.status)
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = type(error).__name__
            log.debug("the intake takes nothing now, next try in %.0f s: %s", _AGAIN_SECONDS, problem)
            await asyncio.sleep(_AGAIN_SECONDS)


def as_json(call: Call) -> dict[str, Any]:
    """As `POST /api/v1/usage` takes it."""
    line = call.line
    event: dict[str, Any] = {
        "id": f"{line.model}-{call.number}",
        "timestamp": datetime.fromtimestamp(call.at, UTC).isoformat(),
        "provider": line.provider,
        "model": line.model,
        "project": line.project,
        "feature": line.feature,
        "operation": line.operation,
        "status": call.status,
        "tokens": {"input": call.input, "cache_read": call.cached, "output": call.output},
        "units": {"characters": call.characters, "audio_seconds": call.audio_seconds},
        "duration_seconds": round(call.seconds, 3),
        "time_to_first_token_seconds": round(call.seconds / 5, 3),
    }
    if call.error_type:
        event["error_type"] = call.error_type
    return event
