"""Whether the proxy takes connections: every probe connects, and closes at once.

The proxy serves one connection after the other and waits without end for what a client has to say. So a probe neither
sends nor reads a byte, nothing of it stays open, and the next one begins only once the last has ended. What it sees is
whether connections are taken: a proxy that hangs is found once the queue of its connections is full.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import random
import socket
import stat
import struct
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent_observability.credential_proxy.config import ProbesConfig, address_of
from agent_observability.credential_proxy.metrics import PROBE_DURATION, UP
from agent_observability.runtime import SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.workers import Workers

__all__ = ["Knock", "Probes", "knock"]

log = logging.getLogger(__name__)

# Several exporters, or several probes of one proxy, shall not come in step.
_JITTER = 0.1
# A name may take longer to be looked up than a connection may take.
_GRACE_SECONDS = 0.5


class Knock(NamedTuple):
    """How long the connection took (seconds), and why there was none, or ""."""

    seconds: float
    error: str


class _Plan(NamedTuple):
    probe: str
    target: str
    interval: float
    timeout: float


class Probes(SeriesStore):
    """What it shows lives as long as the process.

    A probe has no `credential_proxy_up` before it has ended for the first time: a 0 would be an outage that nobody
    saw, each time the exporter is started, and count as one in what the proxy is promised to be available.
    """

    def __init__(self, config: ProbesConfig, *, jitter: Callable[[], float] = random.random) -> None:
        super().__init__("probes", (UP, PROBE_DURATION))
        self._jitter = jitter
        self._workers = Workers("probe")
        self._results: dict[str, str] = {}
        self._plans: dict[str, _Plan] = {}
        self._changed = asyncio.Event()
        self.update(config)

    def update(self, config: ProbesConfig) -> None:
        """From now on probe these. What is known of targets that are not among them any more goes away."""
        plans = {name: _Plan(name, target, config.interval, config.timeout) for name, target in config.targets.items()}
        for name, plan in self._plans.items():
            if name not in plans:
                self.remove(PROBE_DURATION, (name,))
            if name not in plans or plans[name].target != plan.target:
                self.remove(UP, (name,))
                self._results.pop(name, None)
        for name in plans:
            self.expect(PROBE_DURATION, {"probe": [name]})
        self._plans = plans
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        tasks: dict[_Plan, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                wanted = set(self._plans.values())
                for plan in tasks.keys() - wanted:
                    tasks.pop(plan).cancel()
                for plan in wanted - tasks.keys():
                    tasks[plan] = asyncio.create_task(self._again_and_again(plan))
                await self._changed.wait()
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    def sources(self) -> Sequence[SourceStatus]:
        found = []
        for name, plan in self._plans.items():
            error = self._results.get(name, "has not been tried yet")
            detail = f"{plan.target}: {error}" if error else plan.target
            found.append(SourceStatus(f"probe {name}", healthy=not error, lag="", detail=detail))
        return found

    async def _again_and_again(self, plan: _Plan) -> None:
        while True:
            try:
                await self._once(plan)
            except Exception:
                log.exception("probe %s of %s cannot be made", plan.probe, plan.target)
            await asyncio.sleep(plan.interval * (1 + _JITTER * (2 * self._jitter() - 1)))

    async def _once(self, plan: _Plan) -> None:
        # In a thread: a socket in an event loop passes for connected while the queue of its listener is full.
        work = asyncio.ensure_future(self._workers.run(lambda: knock(plan.target, plan.timeout)))
        try:
            done, _ = await asyncio.wait((work,), timeout=plan.timeout + _GRACE_SECONDS)
            if done:
                self._note(plan, work.result())
                return
            self._note(plan, Knock(plan.timeout, _too_late(plan.timeout)))
            await asyncio.wait((work,))
        finally:
            work.cancel()

    def _note(self, plan: _Plan, result: Knock) -> None:
        if self._plans.get(plan.probe) != plan:
            return
        last = self._results.get(plan.probe, "")
        if result.error and result.error != last:
            log.warning("probe %s of %s: %s", plan.probe, plan.target, result.error)
        elif last and not result.error:
            log.info("probe %s of %s: takes connections again", plan.probe, plan.target)
        self._results[plan.probe] = result.error
        self.set(UP, (plan.probe,), int(not result.error))
        if not result.error:
            self.observe(PROBE_DURATION, (plan.probe,), result.seconds)


def knock(target: str, timeout: float) -> Knock:
    """Connect once, within `timeout` seconds for each address of a name, and close. Blocks; raises nothing."""
    begun = time.perf_counter()
    try:
        address = address_of(target)
        if isinstance(address, tuple):
            socket.create_connection(address, timeout).close()
        else:
            _knock_unix(address, timeout)
    except (OSError, ValueError) as error:
        return Knock(time.perf_counter() - begun, _why(target, timeout, error))
    return Knock(time.perf_counter() - begun, "")


def _knock_unix(path: str, timeout: float) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        # The kernel's own time-out: where the listener's queue is full, it waits for a place. A socket with one of
        # Python's would be refused at once instead, and a proxy that is busy for a moment would seem to be down.
        micros = math.ceil(timeout * 1_000_000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", *divmod(micros, 1_000_000)))
        client.connect(path)


def _why(target: str, timeout: float, error: OSError | ValueError) -> str:
    """In words that say what to do."""
    if isinstance(error, TimeoutError | BlockingIOError):
        return _too_late(timeout)
    if isinstance(error, socket.gaierror):
        return f"the name is not known: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket: the proxy is not running, or the socket's folder is not mounted here"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused: nobody listens"
    if isinstance(error, PermissionError) and target.startswith("unix:"):
        return _forbidden(target.removeprefix("unix://"))
    if isinstance(error, OSError) and error.errno == errno.EPROTOTYPE:
        return "this is a socket of another type"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _too_late(timeout: float) -> str:
    return f"no connection was taken within {timeout:g} s: the proxy hangs, or has too much to do"


def _forbidden(path: str) -> str:
    mine = os.geteuid()
    try:
        status = os.stat(path)  # noqa: PTH116 - one call for mode and owner
    except OSError:
        return f"this process (uid {mine}) may not enter the socket's folder: run it with the uid of the proxy"
    mode = stat.S_IMODE(status.st_mode)
    return f"only uid {status.st_uid} may connect (the socket's mode is {mode:04o}): this process has the uid {mine}"
