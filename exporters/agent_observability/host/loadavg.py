"""Load averages from /proc/loadavg (proc_loadavg(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import LOAD1, LOAD5, LOAD15
from agent_observability.metric import Metric

__all__ = ["LoadavgCollector", "parse_loadavg"]


def parse_loadavg(content: bytes) -> list[float]:
    """The averages over 1, 5 and 15 minutes. Raises ValueError."""
    fields = content.split()
    if len(fields) < 3:
        raise ValueError(f"expected three load averages, got {content[:80]!r}")
    return [float(field) for field in fields[:3]]


class LoadavgCollector(LiveCollector):
    """Fails without /proc/loadavg, which every kernel has."""

    name = "loadavg"
    metrics = (LOAD1, LOAD5, LOAD15)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "loadavg")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for metric, average in zip(self.metrics, self._file.parsed(parse_loadavg), strict=True):
            yield metric, [((), average)]
