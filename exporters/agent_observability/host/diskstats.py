"""Block device I/O from /proc/diskstats (Documentation/admin-guide/iostats.rst)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import DISKSTATS
from agent_observability.metric import Metric

__all__ = ["DiskstatsCollector", "parse_diskstats"]

# A sector is 512 bytes here whatever the device's own are.
_SECTOR_BYTES = 512
_MILLISECONDS_PER_SECOND = 1000


def _seconds(column: bytes) -> float:
    return int(column) / _MILLISECONDS_PER_SECOND


def _bytes(column: bytes) -> int:
    return int(column) * _SECTOR_BYTES


_COLUMNS: dict[str, tuple[int, Callable[[bytes], float]]] = {
    "reads_completed": (3, int),
    "read_bytes": (5, _bytes),
    "read_time": (6, _seconds),
    "writes_completed": (7, int),
    "written_bytes": (9, _bytes),
    "write_time": (10, _seconds),
    "io_now": (11, int),
    "io_time": (12, _seconds),
    "io_time_weighted": (13, _seconds),
}


def parse_diskstats(content: bytes, exclude: re.Pattern[str]) -> dict[str, dict[str, float]]:
    """Per device the figures of `DISKSTATS`: counts, bytes and seconds. Raises ValueError."""
    devices = {}
    for line in content.splitlines():
        fields = line.split()
        if len(fields) < 14:
            raise ValueError(f"expected at least 14 columns, got {line[:80]!r}")
        device = os.fsdecode(fields[2])
        if not exclude.search(device):
            devices[device] = {figure: convert(fields[column]) for figure, (column, convert) in _COLUMNS.items()}
    return devices


class DiskstatsCollector(LiveCollector):
    """Absent in a kernel without block devices."""

    name = "diskstats"
    metrics = tuple(DISKSTATS.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "diskstats")
        self._exclude = config.diskstats.device_exclude

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        devices = self._file.parsed_optional(lambda content: parse_diskstats(content, self._exclude)) or {}
        for figure, metric in DISKSTATS.items():
            yield metric, [((device,), figures[figure]) for device, figures in devices.items()]
