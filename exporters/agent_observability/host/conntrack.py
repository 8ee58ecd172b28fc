"""Connection tracking: entries and their limit, from /proc/sys/net/netfilter (nf_conntrack-sysctl.rst)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import CONNTRACK
from agent_observability.metric import Metric

__all__ = ["ConntrackCollector"]


class ConntrackCollector(LiveCollector):
    """Absent while the connection tracking module is not loaded."""

    name = "conntrack"
    metrics = tuple(CONNTRACK.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        folder = config.path.procfs / "sys/net/netfilter"
        self._files = [(KernelFile(folder / name), metric) for name, metric in CONNTRACK.items()]

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for file, metric in self._files:
            if (value := file.parsed_optional(int)) is not None:
                yield metric, [((), value)]
