"""Figures of one cgroup from cgroup v1 files (Documentation/admin-guide/cgroup-v1)."""

from __future__ import annotations

from collections.abc import Callable

from agent_observability.host.cgroup_files import count_processes, figure, figures, read_cfs, working_set
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


def read_cpuacct(cgroup: str) -> dict[Metric, float]:
    usage = figure(f"{cgroup}/cpuacct.usage")
    return {} if usage is None else {CONTAINER_CPU: usage / 1_000_000_000}


def read_memory(cgroup: str) -> dict[Metric, float]:
    values: dict[Metric, float] = {}
    if (usage := figure(f"{cgroup}/memory.usage_in_bytes")) is not None:
        values[CONTAINER_MEMORY_USAGE] = usage
        values |= working_set(usage, figures(f"{cgroup}/memory.stat", "total_inactive_file").get("total_inactive_file"))
    if (limit := figure(f"{cgroup}/memory.limit_in_bytes")) is not None:
        values[CONTAINER_MEMORY_LIMIT] = limit if limit < _UNLIMITED else 0
    if (hits := figure(f"{cgroup}/memory.failcnt")) is not None:
        values[CONTAINER_MEMORY_FAILCNT] = hits
    if (kills := figures(f"{cgroup}/memory.oom_control", "oom_kill").get("oom_kill")) is not None:
        values[CONTAINER_OOM_EVENTS] = kills
    return values | count_processes(cgroup)


READERS: dict[str, Callable[[str], dict[Metric, float]]] = {
    "cpuacct": read_cpuacct,
    "cpu": read_cfs,
    "memory": read_memory,
}
"""By the controller whose hierarchy holds the cgroup."""
