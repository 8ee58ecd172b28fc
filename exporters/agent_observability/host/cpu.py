"""CPU time by mode from /proc/stat (proc_stat(5))."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import CPU_SECONDS
from agent_observability.metric import Metric

__all__ = ["MODES", "CpuClock", "CpuCollector", "parse_cpu"]

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The modes shown, in the order of the columns; guest time, which follows, is part of user and nice."""

_IDLE = MODES.index("idle")
# idle and iowait step back by some ticks on a busy machine; further back means the CPU was unplugged and counts anew.
_UNPLUGGED_SECONDS = 3


def parse_cpu(content: bytes) -> dict[str, tuple[int, ...]]:
    """Per CPU (`0`, `1`, …) the ticks spent in each of `MODES`. Raises ValueError."""
    cpus = {}
    for line in content.splitlines():
        if not line.startswith(b"cpu"):
            # The CPUs come first; on a large machine the lines after them are long.
            break
        name, *fields = line.split()
        if name == b"cpu":
            continue
        if len(fields) < len(MODES):
            raise ValueError(f"expected {len(MODES)} numbers per CPU, got {line[:80]!r}")
        cpus[os.fsdecode(name[3:])] = tuple(map(int, fields[: len(MODES)]))
    if not cpus:
        raise ValueError(f"expected a line per CPU first, got {content[:80]!r}")
    return cpus


class CpuClock:
    """Keeps each CPU's counters from stepping back, which a rate would take for a reset. Thread-safe."""

    def __init__(self, ticks_per_second: int) -> None:
        self.ticks_per_second = ticks_per_second
        self._lock = threading.Lock()
        self._last: dict[str, tuple[int, ...]] = {}

    def advance(self, cpus: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """`cpus` with no counter lower than last time, except on a CPU that was unplugged meanwhile."""
        with self._lock:
            self._last = {cpu: self._forward(self._last.get(cpu), ticks) for cpu, ticks in cpus.items()}
            return self._last

    def _forward(self, last: tuple[int, ...] | None, ticks: tuple[int, ...]) -> tuple[int, ...]:
        if last is None or last[_IDLE] - ticks[_IDLE] > _UNPLUGGED_SECONDS * self.ticks_per_second:
            return ticks
        return tuple(map(max, last, ticks))


class CpuCollector(LiveCollector):
    """Fails without /proc/stat, which every kernel has."""

    name = "cpu"
    metrics = (CPU_SECONDS,)

    def __init__(self, config: HostConfig, clock: CpuClock) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "stat")
        self._clock = clock

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        hertz = self._clock.ticks_per_second
        cpus = self._clock.advance(self._file.parsed(parse_cpu))
        yield (
            CPU_SECONDS,
            [
                ((cpu, mode), spent / hertz)
                for cpu, ticks in cpus.items()
                for mode, spent in zip(MODES, ticks, strict=True)
            ],
        )
