"""Block device I/O from /proc/diskstats (Documentation/admin-guide/iostats.rst)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import parsed_optional
from agent_observability.host.metrics import DISKSTATS
from agent_observability.metric import Metric

__all__ = ["DiskstatsCollector", "parse_diskstats"]

# A sector is 512 bytes here whatever the device's own are.
_SECTOR_BYTES = 512
_COLUMNS = {
    "reads_completed": 3,
    "read_bytes": 5,
    "read_time": 6,
    "writes_completed": 7,
    "written_bytes": 9,
    "write_time": 10,
    "io_now": 11,
    "io_time": 12,
    "io_time_weighted": 13,
}


def parse_diskstats(content: bytes) -> dict[str, dict[str, float]]:
    """Per device the figures of `DISKSTATS`: counts, bytes and seconds. Raises ValueError."""
    devices = {}
    for line in content.splitlines():
        fields = line.split()
        if len(fields) < 14:
            raise ValueError(f"expected at least 14 columns, got {line[:80]!r}")
        devices[os.fsdecode(fields[2])] = {
            figure: _convert(figure, int(fields[column])) for figure, column in _COLUMNS.items()
        }
    return devices


def _convert(figure: str, value: int) -> float:
    if figure.endswith("_bytes"):
        return value * _SECTOR_BYTES
    return value / 1000 if "_time" in figure else value


class DiskstatsCollector(LiveCollector):
    """Absent in a kernel without block devices."""

    name = "diskstats"
    metrics = tuple(DISKSTATS.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._path = config.path.procfs / "diskstats"
        self._exclude = config.diskstats.device_exclude

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        devices = parsed_optional(self._path, parse_diskstats) or {}
        shown = {device: figures for device, figures in devices.items() if not self._exclude.search(device)}
        for figure, metric in DISKSTATS.items():
            yield metric, [((device,), figures[figure]) for device, figures in shown.items()]
