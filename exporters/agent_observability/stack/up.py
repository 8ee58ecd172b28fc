"""`agent-obs up`: the whole suite on this machine, in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from agent_observability.config import Config
from agent_observability.errors import StartError
from agent_observability.prometheus_api import PrometheusApi
from agent_observability.stack.display import show
from agent_observability.stack.kpis import shown
from agent_observability.stack.observer import Observer
from agent_observability.stack.once import summary_text, wait_until_working
from agent_observability.stack.plan import Plan, make_plan
from agent_observability.stack.ports import check_ports
from agent_observability.stack.receiver_api import ReceiverApi
from agent_observability.stack.record import read_record, reclaim
from agent_observability.stack.state import StateDirectory, write_atomically
from agent_observability.stack.supervisor import Supervisor
from agent_observability.stack.validate import validate

__all__ = ["up"]

T = TypeVar("T")

_READY_SECONDS = 60.0
_ONCE_SECONDS = 75.0
_INTERRUPTED = 130


class _StoppedError(Exception):
    """A signal asked to stop."""


def up(config: Config, *, once: bool, demo: bool) -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP; with `once` until everything was seen to work. Returns the exit code.

    Raises StartError or ConfigError, with everything stopped again.
    """
    state = StateDirectory.locate()
    state.create()
    lock = state.lock()
    if lock is None:
        record = read_record(state.record)
        who = f" (pid {record.supervisor.pid})" if record else ""
        raise StartError(f"another `agent-obs up`{who} is running with the state directory {state.root}")
    with lock:
        return asyncio.run(_up(config, state, once=once, demo=demo))


async def _up(config: Config, state: StateDirectory, *, once: bool, demo: bool) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has SIGHUP ignored, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    plan = make_plan(config, state, demo=demo)
    for name, reason in plan.skipped.items():
        _say(f"{name} does not run: {reason}; --demo simulates what it reads")
    for name in await asyncio.to_thread(reclaim, state.record):
        _say(f"ended {name}, left by an `up` that was killed")
    check_ports(plan.claims)
    if demo:
        # Its platform is made anew: to a ledger that knows the old one, its whole past would be news.
        for folder in (state.demo_ledger, state.demo_proxy):
            shutil.rmtree(folder, ignore_errors=True)
    for path, text in plan.files.items():
        _write(path, text)
    await validate(state.generated / "prometheus.yml", state.generated / "alertmanager.yml")
    async with aiohttp.ClientSession() as session:
        supervisor = Supervisor(plan.parts, state, session, urls=plan.urls, listener=_say)
        try:
            await _unless(stopped, _work(plan, state, session, supervisor, once=once))
        except _StoppedError:
            return _INTERRUPTED if once else 0
        finally:
            _say("stopping")
            await supervisor.stop()
    return 0


async def _work(
    plan: Plan, state: StateDirectory, session: aiohttp.ClientSession, supervisor: Supervisor, *, once: bool
) -> None:
    _say(f"starting {', '.join(supervisor.parts)}")
    await supervisor.start(_READY_SECONDS)
    prometheus = PrometheusApi(plan.urls["prometheus"], session)
    if once:
        _say("waiting until every target is up and every rule group has been evaluated")
        summary = await wait_until_working(prometheus, plan.jobs, _ONCE_SECONDS)
        where = {part.name: part.url for part in plan.parts if part.url}
        print(summary_text(summary, where | {"state, logs": str(state.root)}), flush=True)
        return
    observer = Observer(prometheus, ReceiverApi(plan.urls["receiver"], session), shown(plan.jobs))
    footer = f"Ctrl-C stops everything · logs: {state.logs}"
    tasks = [
        asyncio.ensure_future(show(supervisor, observer, footer)),
        asyncio.ensure_future(observer.run()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises _StoppedError, with `work` cancelled and ended, once `stopped` is set."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.ensure_future(stopped.wait())
    await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    raise _StoppedError


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise StartError(f"cannot write {path}: {error.strerror}") from error


def _say(text: str) -> None:
    # With the terminal gone there is nobody to tell, and everything still has to be stopped.
    with contextlib.suppress(OSError):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
