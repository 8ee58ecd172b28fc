"""The demo's spending: calls of models, told to the intake in every way there is, and billed by the providers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import aiohttp

from agent_observability.demo.billing import Meter
from agent_observability.demo.gateway import Gateway
from agent_observability.demo.sdk import Sdk
from agent_observability.demo.traffic import Call, Traffic, spent

__all__ = ["Spending"]

_TICK_SECONDS = 1.0
_PAST_DAYS = 29
_UNIT_SECONDS = 20.0
# A session of the architect, generated tests and what agents have settled, one after the other.
_UNITS = (("voice_architect", "session"), ("e2e_generation", "test"), ("agent_execution", "issue"))


class Spending:
    """Tells the past first, then the present, second by second, until `run` is cancelled.

    Providers know the past from the start.
    """

    def __init__(self, intake: str, meter: Meter, traffic: Traffic) -> None:
        self._intake = intake
        self._meter = meter
        self._traffic = traffic
        self._since = time.time()
        self._past = list(self._billed(traffic.past(self._since, _PAST_DAYS)))

    async def run(self) -> None:
        sdk = Sdk(self._intake)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            gateway = Gateway(self._intake, session)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(gateway.run())
                    tasks.create_task(self._units(gateway))
                    await gateway.backfill(self._past)
                    self._past.clear()
                    await self._live(gateway, sdk)
            finally:
                await asyncio.to_thread(sdk.close)

    async def _live(self, gateway: Gateway, sdk: Sdk) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.time()
            calls = list(self._billed(self._traffic.calls(self._since, now)))
            self._since = now
            gateway.tell(call for call in calls if call.line.way == "json")
            for call in calls:
                if call.line.way != "json":
                    sdk.tell(call)

    @staticmethod
    async def _units(gateway: Gateway) -> None:
        number = 0
        while True:
            await gateway.unit(*_UNITS[number % len(_UNITS)])
            number += 1
            await asyncio.sleep(_UNIT_SECONDS)

    def _billed(self, calls: Iterable[Call]) -> Iterable[Call]:
        """Calls, each noted by its provider on the way."""
        for call in calls:
            self._meter.add(spent(call))
            yield call
