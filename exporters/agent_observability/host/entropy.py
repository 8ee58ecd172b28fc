"""Entropy of the kernel's random pool, from /proc/sys/kernel/random (random(4))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import ENTROPY_AVAILABLE
from agent_observability.metric import Metric

__all__ = ["EntropyCollector"]


class EntropyCollector(LiveCollector):
    """Absent in a kernel without a random pool to look at."""

    name = "entropy"
    metrics = (ENTROPY_AVAILABLE,)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "sys/kernel/random/entropy_avail")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        if (bits := self._file.parsed_optional(int)) is not None:
            yield ENTROPY_AVAILABLE, [((), bits)]
