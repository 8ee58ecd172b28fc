"""Pressure stall information from /proc/pressure (psi.rst), which a kernel may lack or have switched off."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import PRESSURE
from agent_observability.metric import Metric

__all__ = ["PressureCollector", "parse_pressure"]


def parse_pressure(content: bytes) -> dict[str, int]:
    """Stall time since boot in microseconds, by `some` and `full`. Raises ValueError."""
    totals = {}
    for line in content.splitlines():
        kind, separator, total = line.partition(b" ")[0], *line.rpartition(b" total=")[1:]
        if not separator:
            raise ValueError(f"expected a line that ends in total=<microseconds>, got {line[:80]!r}")
        totals[os.fsdecode(kind)] = int(total)
    return totals


class PressureCollector(LiveCollector):
    """Absent where the kernel has no PSI, or has it switched off."""

    name = "pressure"
    metrics = tuple(PRESSURE.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        folder = config.path.procfs / "pressure"
        self._files = {
            resource: KernelFile(folder / resource) for resource in dict.fromkeys(key for key, _ in PRESSURE)
        }

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        totals = {resource: file.parsed_optional(parse_pressure) or {} for resource, file in self._files.items()}
        for (resource, kind), metric in PRESSURE.items():
            if kind in totals[resource]:
                yield metric, [((), totals[resource][kind] / 1_000_000)]
