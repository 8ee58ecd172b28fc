"""What takes long is done beside the event loop, and only a little of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from agent_observability.workers import Workers

__all__ = ["AT_ONCE", "Lane"]

T = TypeVar("T")

AT_ONCE = 128 * 1024
"""Bytes of a request above which working on it takes longer than handing it to a thread is worth."""

# Decoded, a request may be twenty times as large as its text: so few hold that much at the same time.
_WIDTH = 2


class Lane:
    """At most two threads, however many large requests there are."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._free = asyncio.Semaphore(_WIDTH)

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """`work()`, here where `size` bytes are few; its exception is raised here."""
        if size < AT_ONCE:
            return work()
        async with self._free:
            return await self._workers.run(work)
