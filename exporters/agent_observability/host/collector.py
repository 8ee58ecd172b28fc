"""The host exporter: its collectors, built from its section of the configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence

from agent_observability.collector import Collector
from agent_observability.host.cgroup import CgroupCollector
from agent_observability.host.config import HostConfig
from agent_observability.host.conntrack import ConntrackCollector
from agent_observability.host.cpu import CpuClock, CpuCollector
from agent_observability.host.diskstats import DiskstatsCollector
from agent_observability.host.entropy import EntropyCollector
from agent_observability.host.filefd import FilefdCollector
from agent_observability.host.filesystem import FilesystemCollector
from agent_observability.host.hwmon import HwmonCollector
from agent_observability.host.loadavg import LoadavgCollector
from agent_observability.host.meminfo import MeminfoCollector
from agent_observability.host.metrics import COLLECTOR_DURATION, COLLECTOR_SUCCESS
from agent_observability.host.netclass import NetclassCollector
from agent_observability.host.netdev import NetdevCollector
from agent_observability.host.netstat import NetstatCollector
from agent_observability.host.pressure import PressureCollector
from agent_observability.host.processcpu import ProcessCpu
from agent_observability.host.processes import ProcessesCollector
from agent_observability.host.sockstat import SockstatCollector
from agent_observability.host.stat import StatCollector
from agent_observability.host.statvfs import MountProber
from agent_observability.host.time import TimeCollector
from agent_observability.host.uname import UnameCollector
from agent_observability.host.vmstat import VmstatCollector
from agent_observability.runtime import CollectorReport, Context, Runtime, SourceStatus

__all__ = ["HostRuntime", "create"]


class HostRuntime(Runtime[HostConfig]):
    """All host collectors. What must outlive a reload is kept here: counters, and which mounts hang."""

    reports = (CollectorReport(COLLECTOR_SUCCESS, COLLECTOR_DURATION),)

    def __init__(self, section: HostConfig) -> None:
        hertz = os.sysconf("SC_CLK_TCK")
        self._cpu_clock = CpuClock(hertz)
        self._process_cpu = ProcessCpu(hertz)
        self._prober = MountProber()
        self._collectors: Sequence[Collector] = ()
        self.reload(section)

    @property
    def collectors(self) -> Sequence[Collector]:
        return self._collectors

    def reload(self, section: HostConfig) -> None:
        every: tuple[Collector, ...] = (
            UnameCollector(section),
            TimeCollector(),
            LoadavgCollector(section),
            CpuCollector(section, self._cpu_clock),
            StatCollector(section),
            MeminfoCollector(section),
            VmstatCollector(section),
            FilesystemCollector(section, self._prober),
            DiskstatsCollector(section),
            NetdevCollector(section),
            NetclassCollector(section),
            NetstatCollector(section),
            SockstatCollector(section),
            FilefdCollector(section),
            ConntrackCollector(section),
            EntropyCollector(section),
            PressureCollector(section),
            HwmonCollector(section),
            CgroupCollector(section),
            ProcessesCollector(section, self._process_cpu),
        )
        self._collectors = tuple(collector for collector in every if getattr(section.collectors, collector.name))

    def sources(self) -> Sequence[SourceStatus]:
        """The mounts that hang now."""
        return [
            SourceStatus(path, healthy=False, lag=f"{seconds:.0f} s", detail="does not answer statvfs")
            for path, seconds in self._prober.pending().items()
        ]


def create(section: HostConfig, _context: Context) -> HostRuntime:
    """The registry's factory. What the host exporter shows is bounded by the machine, so it needs no limits."""
    return HostRuntime(section)
