"""Memory figures from /proc/meminfo (proc_meminfo(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import parsed
from agent_observability.host.metrics import MEMINFO
from agent_observability.metric import Metric

__all__ = ["MeminfoCollector", "parse_meminfo"]


def parse_meminfo(content: bytes) -> dict[str, int]:
    """The fields of `MEMINFO` in bytes; what the file calls kB is KiB. Raises ValueError."""
    values = {}
    for line in content.splitlines():
        key, separator, rest = line.partition(b":")
        if not separator:
            raise ValueError(f"expected a field and its size, got {line[:80]!r}")
        name = os.fsdecode(key)
        if name in MEMINFO:
            values[name] = int(rest.removesuffix(b" kB")) * 1024
    return values


class MeminfoCollector(LiveCollector):
    """Fails without /proc/meminfo, which every kernel has; a field it lacks is absent."""

    name = "meminfo"
    metrics = tuple(MEMINFO.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._path = config.path.procfs / "meminfo"

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for name, size in parsed(self._path, parse_meminfo).items():
            yield MEMINFO[name], [((), size)]
