"""Page faults and OOM kills from /proc/vmstat (proc_vmstat(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import flat_keyed, parsed_optional
from agent_observability.host.metrics import VMSTAT
from agent_observability.metric import Metric

__all__ = ["VmstatCollector"]


class VmstatCollector(LiveCollector):
    """Absent in a kernel that does not count memory events; a field it lacks is absent."""

    name = "vmstat"
    metrics = tuple(VMSTAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._path = config.path.procfs / "vmstat"

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        values = parsed_optional(self._path, flat_keyed) or {}
        for field, metric in VMSTAT.items():
            if field in values:
                yield metric, [((), values[field])]
