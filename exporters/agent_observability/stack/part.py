"""One supervised child process: started, watched until ready, restarted when it crashes, held down, stopped."""

from __future__ import annotations

import asyncio
import enum
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent_observability.errors import StartError
from agent_observability.stack import logs
from agent_observability.stack.identity import ProcessIdentity, identify, signal_group

__all__ = ["Backoff", "Part", "PartSpec", "PartState"]

_PROBE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """What to run. `ready` is a URL that answers 200 once the part works ("": as soon as it runs), `url` is for people.

    `job` is the scrape job that reads the part, "" for none. Parts of a lower `wave` are ready before the next wave
    starts, and are stopped after it.
    """

    name: str
    command: tuple[str, ...]
    ready: str = ""
    url: str = ""
    job: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    wave: int = 0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds: the wait before the first restart, the longest wait, and the run time after which it starts over."""

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0


class PartState(enum.Enum):
    """The value is what people read."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "crashed"
    HELD = "held down"
    STOPPED = "stopped"


class Part:
    """Runs `spec` in its own session, so that its whole group can be ended and no Ctrl-C of the terminal reaches it.

    `changed` is called after every change of `state` or `identity`, `say` with what a person should know.
    """

    def __init__(
        self,
        spec: PartSpec,
        log: Path,
        *,
        probe: Callable[[str], Awaitable[bool]],
        changed: Callable[[], None],
        say: Callable[[str], None],
        backoff: Backoff,
        stop_seconds: float,
    ) -> None:
        self.spec = spec
        self.log = log
        self.state = PartState.STOPPED
        self.identity: ProcessIdentity | None = None
        self.restarts = 0
        self._probe = probe
        self._changed = changed
        self._say = say
        self._backoff = backoff
        self._stop_seconds = stop_seconds
        self._stopping = False
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._unwanted = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def start(self, seconds: float) -> None:
        """Returns once ready. Raises StartError, with the end of the log, if it exits first or takes longer."""
        self._task = asyncio.create_task(self._run(), name=self.spec.name)
        await asyncio.wait((self._first, self._task), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        if not self._first.done():
            waited = f" and {self.spec.ready} did not answer 200 within {seconds:.0f} s" if self.spec.ready else ""
            raise StartError(
                f"{self.spec.name} is not ready: it runs{waited}; the end of {self.log}:\n{logs.tail(self.log)}"
            )

    def hold(self) -> None:
        """End the process and do not start it again before `release`."""
        self._wanted.clear()
        self._unwanted.set()

    def release(self) -> None:
        self._unwanted.clear()
        self._wanted.set()

    @property
    def held(self) -> bool:
        return not self._wanted.is_set()

    async def stop(self) -> None:
        """End the process group: SIGTERM, SIGKILL after the bound. Returns when it is gone."""
        self._stopping = True
        self._unwanted.set()
        self._wanted.set()
        if self._task is not None:
            await asyncio.wait((self._task,))

    def _set(self, state: PartState) -> None:
        self.state = state
        self._changed()

    async def _run(self) -> None:
        delay = self._backoff.first
        while True:
            await self._wanted.wait()
            if self._stopping:
                break
            started = time.monotonic()
            code = await self._run_once()
            self.identity = None
            if self._stopping:
                break
            if self.held:
                self._set(PartState.HELD)
                continue
            if not self._first.done():
                self._set(PartState.STOPPED)
                raise StartError(
                    f"{self.spec.name} {_exit(code)} while starting; the end of {self.log}:\n{logs.tail(self.log)}"
                )
            if time.monotonic() - started >= self._backoff.healthy:
                delay = self._backoff.first
            self.restarts += 1
            self._set(PartState.WAITING)
            self._say(f"{self.spec.name} {_exit(code)}; restart {self.restarts} in {delay:g} s; log: {self.log}")
            await asyncio.wait((unwanted := asyncio.ensure_future(self._unwanted.wait()),), timeout=delay)
            unwanted.cancel()
            delay = min(delay * 2, self._backoff.longest)
        self._set(PartState.STOPPED)

    async def _run_once(self) -> int | str:
        """The exit status, or why the program could not be started."""
        try:
            with self.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *self.spec.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, **self.spec.environment},
                )
        except OSError as error:
            return f"cannot be started: {error.strerror} ({error.filename})"
        self.identity = identify(process.pid)
        self._set(PartState.STARTING)
        exited = asyncio.ensure_future(process.wait())
        unwanted = asyncio.ensure_future(self._unwanted.wait())
        ready = asyncio.ensure_future(self._watch())
        await asyncio.wait((exited, unwanted), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        unwanted.cancel()
        if not exited.done():
            signal_group(process.pid, signal.SIGTERM)
            await asyncio.wait((exited,), timeout=self._stop_seconds)
        if not exited.done():
            self._say(f"{self.spec.name} did not end within {self._stop_seconds:g} s of SIGTERM: killed")
        # Helpers may outlive their leader; as long as one lives, the kernel reuses the number for nobody.
        signal_group(process.pid, signal.SIGKILL)
        return await exited

    async def _watch(self) -> None:
        while True:
            if not self.spec.ready or await self._probe(self.spec.ready):
                break
            await asyncio.sleep(_PROBE_SECONDS)
        self._set(PartState.READY)
        if not self._first.done():
            self._first.set_result(None)


def _exit(code: int | str) -> str:
    if isinstance(code, str):
        return code
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with status {code}"
