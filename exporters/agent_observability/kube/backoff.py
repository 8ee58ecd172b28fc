"""How long to wait before the next try."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Doubles from `least` to `most` seconds with jitter; starts again once nothing has failed for `calm` seconds."""

    def __init__(
        self,
        least: float = 0.8,
        most: float = 30.0,
        calm: float = 120.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._least = least
        self._most = most
        self._calm = calm
        self._clock = clock
        self._jitter = jitter
        self._next = least
        self._failed = float("-inf")

    def failed(self) -> float:
        """Seconds to wait after a failure: between one and two times what is due."""
        now = self._clock()
        if now - self._failed > self._calm:
            self._next = self._least
        seconds = min(self._next * (1 + self._jitter()), self._most)
        self._next = min(self._next * 2, self._most)
        self._failed = now + seconds
        return seconds
