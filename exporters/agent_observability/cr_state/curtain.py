"""What scrapes see of the picture: always a whole one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from agent_observability.exposition import RenderedFamily

__all__ = ["Curtain", "Scenery"]

Scenery = Sequence[RenderedFamily]


class Curtain:
    """While a list replaces the picture piece by piece, scrapes get what was there before.

    `lock` is held while the picture changes, and while it is drawn.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._painters: dict[str, Callable[[], Scenery]] = {}
        self._old: dict[str, Scenery] = {}
        self._closed = 0

    def paint(self, name: str, painter: Callable[[], Scenery]) -> None:
        """This draws a part of the picture, from now on."""
        self._painters[name] = painter

    def see(self, name: str) -> Scenery:
        """A part of the picture. From any thread."""
        with self.lock:
            return self._old[name] if self._closed else self._painters[name]()

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Until this ends, the picture is seen as it is now."""
        with self.lock:
            if not self._closed:
                self._old = {name: tuple(paint()) for name, paint in self._painters.items()}
            self._closed += 1
        # Broken off in the middle, there is no whole picture any more: the old one stays until this one is replaced.
        yield
        with self.lock:
            self._closed -= 1
            if not self._closed:
                self._old = {}
