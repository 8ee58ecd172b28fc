"""The host exporter: its collectors, built from its section of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import Collector, LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.metrics import LOAD1
from agent_observability.metric import Metric
from agent_observability.runtime import Runtime

__all__ = ["HostRuntime", "create"]


class LoadCollector(LiveCollector):
    name = "loadavg"
    metrics = (LOAD1,)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._path = config.path.procfs / "loadavg"

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        yield LOAD1, [((), float(self._path.read_text().split()[0]))]


class HostRuntime(Runtime[HostConfig]):
    """All host collectors."""

    def __init__(self, section: HostConfig) -> None:
        self._collectors: Sequence[Collector] = ()
        self.reload(section)

    @property
    def collectors(self) -> Sequence[Collector]:
        return self._collectors

    def reload(self, section: HostConfig) -> None:
        self._collectors = (LoadCollector(section),)


def create(section: HostConfig) -> HostRuntime:
    """The registry's factory."""
    return HostRuntime(section)
