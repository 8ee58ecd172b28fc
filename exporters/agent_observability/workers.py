"""Daemon worker threads: blocking work that may never return must delay neither the event loop nor the exit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Workers"]

T = TypeVar("T")
log = logging.getLogger(__name__)


class Workers:
    """A pool of daemon threads that grows when all are busy and keeps at most `idle_max` of them waiting.

    The standard executor is no alternative: the interpreter joins its threads at exit, so one `statvfs` on a dead NFS
    server would keep the process alive.
    """

    def __init__(self, name: str, idle_max: int = 2) -> None:
        self._name = name
        self._idle_max = idle_max
        self._jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._started = 0

    def submit(self, job: Callable[[], object]) -> None:
        """Run `job` on a free thread, or on a new one; an exception it raises is logged. Callers bound their jobs."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                self._jobs.put(job)
                return
            self._started += 1
            number = self._started
        threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        # Not as an argument of the thread, which would know it for as long as it lives.
        self._jobs.put(job)

    async def run(self, function: Callable[[], T]) -> T:
        """Await `function()` on a worker thread; its exception is raised here."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                result = function()
            except BaseException as error:
                _call(loop, _set_exception, future, error)
            else:
                _call(loop, _set_result, future, result)

        self.submit(job)
        return await future

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:
                log.exception("worker job failed")
            # What waits must not keep alive all that the last job knew.
            del job
            with self._lock:
                if self._idle >= self._idle_max:
                    return
                self._idle += 1


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    # A worker may outlive the loop: its result then has no reader left.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)


def _set_result(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
