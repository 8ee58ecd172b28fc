"""CPU time of process groups as a counter that outlives its processes."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import NamedTuple

from agent_observability.exposition import RenderedFamily
from agent_observability.host.metrics import GROUP_CPU
from agent_observability.series import SeriesStore

__all__ = ["Process", "ProcessCpu"]


class Process(NamedTuple):
    """A process for its whole life: pids are used again, a pid with its start time is not."""

    pid: int
    start: int


class ProcessCpu:
    """Per group the CPU time its processes have used since they were watched. Thread-safe.

    Kept over reloads. A process older than the first look counts from there on, a younger one from its birth.
    """

    def __init__(self, ticks_per_second: int) -> None:
        self._ticks_per_second = ticks_per_second
        self._lock = threading.Lock()
        self._store = SeriesStore("processes", (GROUP_CPU,))
        self._totals: dict[str, int] = {}
        self._last: Mapping[Process, int] | None = None

    def advance(
        self, ticks: Mapping[Process, int], members: Mapping[Process, str], groups: Collection[str]
    ) -> list[RenderedFamily]:
        """Count what `members` have used since the last look at all processes, and show it for `groups`."""
        with self._lock:
            for group in self._totals.keys() - groups:
                del self._totals[group]
                self._store.remove(GROUP_CPU, (group,))
            for group in groups:
                self._totals.setdefault(group, 0)
            self._store.expect(GROUP_CPU, {"group": groups})
            for process, group in members.items():
                self._totals[group] += max(ticks[process] - self._before(process, ticks[process]), 0)
            for group, total in self._totals.items():
                self._store.set(GROUP_CPU, (group,), total / self._ticks_per_second)
            self._last = ticks
            return self._store.collect()

    def _before(self, process: Process, now: int) -> int:
        return now if self._last is None else self._last.get(process, 0)
