"""Figures of one cgroup from cgroup v2 files (Documentation/admin-guide/cgroup-v2.rst)."""

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


def read_cpuacct(cgroup: str) -> dict[Metric, float]:
    usage = figures(f"{cgroup}/cpu.stat", "usage_usec").get("usage_usec")
    return {} if usage is None else {CONTAINER_CPU: usage / 1_000_000}


def read_memory(cgroup: str) -> dict[Metric, float]:
    values: dict[Metric, float] = {}
    if (usage := figure(f"{cgroup}/memory.current")) is not None:
        values[CONTAINER_MEMORY_USAGE] = usage
        values |= working_set(usage, figures(f"{cgroup}/memory.stat", "inactive_file").get("inactive_file"))
    if (limit := figure(f"{cgroup}/memory.max", words={b"max": 0})) is not None:
        values[CONTAINER_MEMORY_LIMIT] = limit
    events = figures(f"{cgroup}/memory.events", "max", "oom_kill")
    if "max" in events:
        values[CONTAINER_MEMORY_FAILCNT] = events["max"]
    if "oom_kill" in events:
        values[CONTAINER_OOM_EVENTS] = events["oom_kill"]
    return values | count_processes(cgroup)


READERS: dict[str, Callable[[str], dict[Metric, float]]] = {
    "cpuacct": read_cpuacct,
    "cpu": read_cfs,
    "memory": read_memory,
}
"""By the v1 controller whose figures these are; one that v1 holds on a hybrid machine is read there."""
