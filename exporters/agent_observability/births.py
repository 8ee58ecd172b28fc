"""Births: how long a new or restored series shows its base value.

`increase()` counts only what lies between two samples, so a series shows its base (0, or the restored value) once to
everybody who scrapes it, and only then what has happened since. Scrapers are those that send Prometheus' scrape
time-out header; a look by anybody else ends a birth only where nobody scrapes.

A process that has just started does not know yet who scrapes. Once one scraper has come twice, all others of the same
interval have come, too; until then nothing is born.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Births"]

T = TypeVar("T")

# A scraper that has not come for this many of its intervals (at least, at most these seconds) is not waited for.
_INTERVALS = 2.5
_PATIENCE = (15.0, 180.0)
_MAX_SCRAPERS = 16
# With no scraper by then, there is none.
_FIRST_SCRAPER_SECONDS = 60.0


class _Scraper:
    """When it last came (monotonic seconds), how long it stays away at most, and the last birth it was shown."""

    __slots__ = ("last", "patience", "shown")

    def __init__(self, now: float) -> None:
        self.last = now
        self.patience = _PATIENCE[1]
        self.shown = 0


class Births(Generic[T]):
    """What is being born, in order.

    `shown` may be called from any thread and costs next to nothing, so that the event loop can call it. `add` and
    `born` need their owner's lock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, T]] = deque()
        self._scrapers: dict[str, _Scraper] = {}
        self._seen = 0
        self._begun = clock()
        self._settled = False
        self.latest = 0
        """Number of the latest birth; a rendering shows all up to it."""

    def add(self, item: T) -> None:
        self.latest += 1
        self._waiting.append((self.latest, item))

    def __bool__(self) -> bool:
        """Whether anything is being born."""
        return bool(self._waiting)

    def shown(self, latest: int, scraper: str | None) -> None:
        """Note that births up to `latest` were shown to `scraper`; None for somebody who is none."""
        with self._lock:
            self._seen = max(self._seen, latest)
            if scraper is not None:
                self._note(scraper, latest)

    def forget_scrapers(self) -> None:
        """Begin as after a start: nothing was shown for a while, so nobody is known to have seen anything."""
        with self._lock:
            self._scrapers.clear()
            self._begun = self._clock()
            self._settled = False

    def born(self) -> list[T]:
        """What everybody has been shown who is waited for."""
        with self._lock:
            now = self._clock()
            if not self._settled and now - self._begun < (_PATIENCE[1] if self._scrapers else _FIRST_SCRAPER_SECONDS):
                return []
            self._settled = True
            waited_for = [known.shown for known in self._scrapers.values() if now - known.last <= known.patience]
            horizon = min(waited_for, default=self._seen)
        born = []
        while self._waiting and self._waiting[0][0] <= horizon:
            born.append(self._waiting.popleft()[1])
        return born

    def _note(self, name: str, latest: int) -> None:
        now = self._clock()
        known = self._scrapers.pop(name, None)
        if known is None:
            known = _Scraper(now)
        else:
            self._settled = True
            known.patience = min(max(_INTERVALS * (now - known.last), _PATIENCE[0]), _PATIENCE[1])
        known.last = now
        known.shown = max(known.shown, latest)
        # Last come, last in the dict: the first is the one that has been away longest.
        self._scrapers[name] = known
        if len(self._scrapers) > _MAX_SCRAPERS:
            del self._scrapers[next(iter(self._scrapers))]
