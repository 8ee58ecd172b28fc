"""Figures of one cgroup from cgroup v1 files (Documentation/admin-guide/cgroup-v1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent_observability.host.cgroup_files import cfs, count_processes, figure, figures, working_set
from agent_observability.host.metrics import (
    CONTAINER_CPU,
    CONTAINER_MEMORY_FAILCNT,
    CONTAINER_MEMORY_LIMIT,
    CONTAINER_MEMORY_USAGE,
    CONTAINER_OOM_EVENTS,
)
from agent_observability.metric import Metric

__all__ = ["READERS"]

# The kernel says "no limit" with its largest page-aligned number, which depends on the page size.
_UNLIMITED = 1 << 62


def read_cpuacct(cgroup: Path) -> dict[Metric, float]:
    usage = figure(cgroup / "cpuacct.usage")
    return {} if usage is None else {CONTAINER_CPU: usage / 1_000_000_000}


def read_cpu(cgroup: Path) -> dict[Metric, float]:
    return cfs(figures(cgroup / "cpu.stat"))


def read_memory(cgroup: Path) -> dict[Metric, float]:
    values: dict[Metric, float] = {}
    if (usage := figure(cgroup / "memory.usage_in_bytes")) is not None:
        values[CONTAINER_MEMORY_USAGE] = usage
        values |= working_set(usage, figures(cgroup / "memory.stat").get("total_inactive_file"))
    if (limit := figure(cgroup / "memory.limit_in_bytes")) is not None:
        values[CONTAINER_MEMORY_LIMIT] = limit if limit < _UNLIMITED else 0
    if (hits := figure(cgroup / "memory.failcnt")) is not None:
        values[CONTAINER_MEMORY_FAILCNT] = hits
    if (kills := figures(cgroup / "memory.oom_control").get("oom_kill")) is not None:
        values[CONTAINER_OOM_EVENTS] = kills
    return values | count_processes(cgroup)


READERS: dict[str, Callable[[Path], dict[Metric, float]]] = {
    "cpuacct": read_cpuacct,
    "cpu": read_cpu,
    "memory": read_memory,
}
"""By the controller whose hierarchy holds the cgroup."""
