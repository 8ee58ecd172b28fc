"""Watched processes: memory, open files and CPU time per group of processes with a matching name or command line.

The process table is read here and not through psutil, whose /proc is a global of the module and which takes several
times as long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent_observability.collector import LabelCache
from agent_observability.exposition import RenderedFamily
from agent_observability.host.config import HostConfig
from agent_observability.host.files import parsed
from agent_observability.host.metrics import GROUP_CPU, GROUP_MEMORY, GROUP_OPEN_FDS, GROUP_PROCESSES
from agent_observability.host.pidstat import PidStat, parse_pid_stat
from agent_observability.host.processcpu import Process, ProcessCpu
from agent_observability.metric import Metric

__all__ = ["ProcessesCollector"]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Enough for a pattern to match; a command line may have megabytes.
_CMDLINE_BYTES = 4096
# A process that was just forked still shows its parent's command line, so the first look does not count.
_LOOKS = 2


@dataclass(slots=True)
class _Membership:
    """Which group a process is in, as far as it was looked at. Forgotten when it changes its name."""

    comm: str
    group: str | None
    looks: int


@dataclass(slots=True)
class _Totals:
    """A group's gauges. `open_fds` is None once one of its processes does not show its files."""

    processes: int = 0
    resident_bytes: int = 0
    open_fds: int | None = 0


class ProcessesCollector:
    """Each process belongs to the first group, in the order of the configuration, whose pattern it matches."""

    name = "processes"
    metrics = (GROUP_PROCESSES, GROUP_MEMORY, GROUP_OPEN_FDS, GROUP_CPU)

    def __init__(self, config: HostConfig, cpu: ProcessCpu) -> None:
        self._procfs = os.fspath(config.path.procfs)
        self._groups = config.processes.groups
        self._cpu = cpu
        self._memberships: dict[Process, _Membership] = {}
        self._cache = LabelCache()

    def collect(self) -> list[RenderedFamily]:
        if not self._groups:
            return []
        stats = _process_table(self._procfs)
        members = self._members(stats)
        totals = {group: _Totals() for group in self._groups}
        for process, group in members.items():
            if not stats[process].ended:
                self._add(totals[group], process, stats[process])
        gauges: dict[Metric, dict[str, int]] = {
            GROUP_PROCESSES: {group: total.processes for group, total in totals.items()},
            GROUP_MEMORY: {group: total.resident_bytes for group, total in totals.items()},
            GROUP_OPEN_FDS: {group: total.open_fds for group, total in totals.items() if total.open_fds is not None},
        }
        return [
            *(
                self._cache.render(metric, [((group,), value) for group, value in values.items()])
                for metric, values in gauges.items()
            ),
            *self._cpu.advance({process: stat.cpu for process, stat in stats.items()}, members, self._groups),
        ]

    def _members(self, stats: Mapping[Process, PidStat]) -> dict[Process, str]:
        memberships = {}
        for process, stat in stats.items():
            known = self._memberships.get(process)
            looks = known.looks if known and known.comm == stat.comm else 0
            if known and looks >= _LOOKS:
                memberships[process] = known
            else:
                group = _group(self._groups, stat.comm, _cmdline(self._procfs, process.pid))
                memberships[process] = _Membership(stat.comm, group, looks + 1)
        self._memberships = memberships
        return {process: found.group for process, found in memberships.items() if found.group is not None}

    def _add(self, total: _Totals, process: Process, stat: PidStat) -> None:
        total.processes += 1
        total.resident_bytes += stat.resident * _PAGE_BYTES
        if total.open_fds is not None:
            # A part of the sum would pass for the whole.
            fds = _open_fds(f"{self._procfs}/{process.pid}/fd")
            total.open_fds = None if fds is None else total.open_fds + fds


def _process_table(procfs: str) -> dict[Process, PidStat]:
    with os.scandir(procfs) as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdecimal()]
    table = {}
    for pid in pids:
        try:
            stat = parsed(f"{procfs}/{pid}/stat", parse_pid_stat)
        except OSError:
            # It ended since the folder was listed.
            continue
        table[Process(pid, stat.start)] = stat
    return table


def _group(groups: Mapping[str, re.Pattern[str]], comm: str, cmdline: str) -> str | None:
    matching = (group for group, pattern in groups.items() if pattern.search(comm) or pattern.search(cmdline))
    return next(matching, None)


def _cmdline(procfs: str, pid: int) -> str:
    """The arguments with spaces between them; empty for a kernel thread and for a process that has ended."""
    try:
        with Path(f"{procfs}/{pid}/cmdline").open("rb") as file:
            return os.fsdecode(file.read(_CMDLINE_BYTES).rstrip(b"\0").replace(b"\0", b" "))
    except OSError:
        return ""


def _open_fds(directory: str) -> int | None:
    """How many files are open: 0 once the process has ended, None if it may not be looked at."""
    try:
        with os.scandir(directory) as entries:
            return sum(1 for _ in entries)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except OSError:
        return None
