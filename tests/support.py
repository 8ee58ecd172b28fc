"""What tests of several topics share: the checkout, free ports, waiting with a deadline, child processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.intake import Intake
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.runtime import Context

T = TypeVar("T")

ROOT = Path(__file__).parent.parent

_POLL_SECONDS = 0.02


def context_of(folder: Path) -> Context:
    """What a process gives an exporter: a ledger in `folder` and an intake, for one that wants them."""

    def intake() -> Intake:
        return Intake(IntakeConfig(listen=["127.0.0.1:0"]), context.ledger)

    context = Context(
        open_ledger=lambda: Ledger(SqliteBackend(folder / "ledger.db"), LedgerConfig()), open_intake=intake
    )
    return context


def examples(number: int) -> int:
    """How many of so many examples hypothesis tries: all of them in the long runs, where AGENT_OBS_SOAK is set."""
    return number if os.environ.get("AGENT_OBS_SOAK") else max(50, number // 4)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody holds at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_until(predicate: Callable[[], T], seconds: float = 10, *, what: Callable[[], str] | str = "") -> T:
    """The first truthy result of `predicate`; AssertionError with `what` once `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while not (result := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what or predicate}")
        time.sleep(_POLL_SECONDS)
    return result


async def wait_until_async(predicate: Callable[[], T], seconds: float = 10, *, what: str = "") -> T:
    """`wait_until` that leaves the event loop free."""
    deadline = time.monotonic() + seconds
    while not (result := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or predicate}")
        await asyncio.sleep(_POLL_SECONDS)
    return result


@dataclass(frozen=True, slots=True)
class Child:
    """A running child process; both of its output streams go to `log`."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, number: signal.Signals, seconds: float) -> tuple[int, float]:
        """Send a signal; the exit code and the seconds it took. AssertionError if that is more than `seconds`."""
        started = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still alive {seconds} s after {number.name}:\n{self.output()}") from None
        return code, time.monotonic() - started


@contextlib.contextmanager
def running(command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run `command` from the checkout's root in a process group of its own, which is gone afterwards."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Child(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
