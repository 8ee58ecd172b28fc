"""Figures of one cgroup from cgroup v2 files (Documentation/admin-guide/cgroup-v2.rst)."""

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


def read_cpuacct(cgroup: Path) -> dict[Metric, float]:
    usage = figures(cgroup / "cpu.stat").get("usage_usec")
    return {} if usage is None else {CONTAINER_CPU: usage / 1_000_000}


def read_cpu(cgroup: Path) -> dict[Metric, float]:
    return cfs(figures(cgroup / "cpu.stat"))


def read_memory(cgroup: Path) -> dict[Metric, float]:
    values: dict[Metric, float] = {}
    if (usage := figure(cgroup / "memory.current")) is not None:
        values[CONTAINER_MEMORY_USAGE] = usage
        values |= working_set(usage, figures(cgroup / "memory.stat").get("inactive_file"))
    if (limit := figure(cgroup / "memory.max", words={b"max": 0})) is not None:
        values[CONTAINER_MEMORY_LIMIT] = limit
    events = figures(cgroup / "memory.events")
    if "max" in events:
        values[CONTAINER_MEMORY_FAILCNT] = events["max"]
    if "oom_kill" in events:
        values[CONTAINER_OOM_EVENTS] = events["oom_kill"]
    return values | count_processes(cgroup)


READERS: dict[str, Callable[[Path], dict[Metric, float]]] = {
    "cpuacct": read_cpuacct,
    "cpu": read_cpu,
    "memory": read_memory,
}
"""By the v1 controller whose figures these are; one that v1 holds on a hybrid machine is read there."""
