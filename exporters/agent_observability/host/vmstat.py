"""Page faults and OOM kills from /proc/vmstat (proc_vmstat(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile, flat_keyed
from agent_observability.host.metrics import VMSTAT
from agent_observability.metric import Metric

__all__ = ["VmstatCollector", "parse_vmstat"]


def parse_vmstat(content: bytes) -> dict[str, int]:
    """The fields of `VMSTAT`. Raises ValueError."""
    return flat_keyed(content, VMSTAT)


class VmstatCollector(LiveCollector):
    """Absent in a kernel that does not count memory events; a field it lacks is absent."""

    name = "vmstat"
    metrics = tuple(VMSTAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "vmstat")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for field, value in (self._file.parsed_optional(parse_vmstat) or {}).items():
            yield VMSTAT[field], [((), value)]
