"""Keeps the parts of the stack running. It only supervises: no data of the suite passes through it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import aiohttp

from agent_observability.errors import StartError
from agent_observability.stack import logs
from agent_observability.stack.holds import wanted_hold
from agent_observability.stack.identity import identify
from agent_observability.stack.part import Backoff, Part, PartSpec
from agent_observability.stack.record import RunRecord, write_record
from agent_observability.stack.state import StateDirectory

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

_HOLD_POLL_SECONDS = 0.2
_LOG_CHECK_SECONDS = 5.0
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=2.0)
_EVENTS = 100


class Supervisor:
    """All parts. `events` holds (Unix time, text) of the last things worth telling; `listener` hears each at once."""

    def __init__(
        self,
        specs: Sequence[PartSpec],
        state: StateDirectory,
        session: aiohttp.ClientSession,
        *,
        urls: Mapping[str, str],
        listener: Callable[[str], None],
        backoff: Backoff = Backoff(),  # noqa: B008  frozen
        stop_seconds: float = 10.0,
    ) -> None:
        own = identify(os.getpid())
        if own is None:
            raise StartError("this process cannot be found in the process table: is /proc mounted?")
        self._own = own
        self._state = state
        self._session = session
        self._urls = dict(urls)
        self.listener = listener
        self._ready = False
        self._housekeeping: asyncio.Task[None] | None = None
        self.events: deque[tuple[float, str]] = deque(maxlen=_EVENTS)
        self.parts = {
            spec.name: Part(
                spec,
                state.logs / f"{spec.name}.log",
                probe=self._probe,
                changed=self._write_record,
                say=self.say,
                backoff=backoff,
                stop_seconds=stop_seconds,
            )
            for spec in specs
        }

    def say(self, text: str) -> None:
        """Record an event for the panel and tell the listener."""
        self.events.append((time.time(), text))
        self.listener(text)

    async def start(self, seconds: float) -> None:
        """Start wave after wave; returns once every part is ready. Raises StartError; then `stop` is still due."""
        self._write_record()
        for wave in self._waves():
            await asyncio.gather(*(part.start(seconds) for part in wave))
        self._ready = True
        self._write_record()
        self._housekeeping = asyncio.create_task(self._keep_house())

    async def stop(self) -> None:
        """Stop everything, the last wave first; returns when all processes are gone."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            await asyncio.wait((self._housekeeping,))
        for wave in reversed(self._waves()):
            await asyncio.gather(*(part.stop() for part in wave))
        with contextlib.suppress(FileNotFoundError):
            self._state.record.unlink()

    def _waves(self) -> list[list[Part]]:
        numbers = sorted({part.spec.wave for part in self.parts.values()})
        return [[part for part in self.parts.values() if part.spec.wave == number] for number in numbers]

    async def _keep_house(self) -> None:
        """Obey holds, bound the logs."""
        next_check = 0.0
        while True:
            held = wanted_hold(self._state.hold)
            for name, part in self.parts.items():
                if name == held and not part.held:
                    self.say(f"{name} is held down by a drill")
                    part.hold()
                elif name != held and part.held:
                    self.say(f"{name} is released")
                    part.release()
            if time.monotonic() >= next_check:
                next_check = time.monotonic() + _LOG_CHECK_SECONDS
                await asyncio.to_thread(self._bound_logs)
            await asyncio.sleep(_HOLD_POLL_SECONDS)

    def _bound_logs(self) -> None:
        for part in self.parts.values():
            try:
                logs.bound(part.log)
            except OSError as error:
                log.warning("cannot bound %s: %s", part.log, error)

    def _write_record(self) -> None:
        parts = {name: part.identity for name, part in self.parts.items() if part.identity is not None}
        record = RunRecord(supervisor=self._own, parts=parts, urls=self._urls, ready=self._ready)
        try:
            write_record(self._state.record, record)
        except OSError as error:
            # A full disk must not end the stack; the next change tries again.
            log.warning("cannot write %s: %s", self._state.record, error)

    async def _probe(self, url: str) -> bool:
        try:
            async with self._session.get(url, timeout=_PROBE_TIMEOUT) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
