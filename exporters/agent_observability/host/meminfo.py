"""Memory figures from /proc/meminfo (proc_meminfo(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile, line_values
from agent_observability.host.metrics import MEMINFO
from agent_observability.metric import Metric

__all__ = ["MeminfoCollector", "parse_meminfo"]

_STARTS = {name: f"{name}:".encode() for name in MEMINFO}


def parse_meminfo(content: bytes) -> dict[str, int]:
    """The fields of `MEMINFO` in bytes; what the file calls kB is KiB. Raises ValueError."""
    return {name: int(size.removesuffix(b" kB")) * 1024 for name, size in line_values(content, _STARTS).items()}


class MeminfoCollector(LiveCollector):
    """Fails without /proc/meminfo, which every kernel has; a field it lacks is absent."""

    name = "meminfo"
    metrics = tuple(MEMINFO.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "meminfo")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for name, size in self._file.parsed(parse_meminfo).items():
            yield MEMINFO[name], [((), size)]
