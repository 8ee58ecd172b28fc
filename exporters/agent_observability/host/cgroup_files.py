"""What both cgroup versions share. A file that is missing or may not be read has no figure: cgroups come and go."""

from __future__ import annotations

from collections.abc import Mapping

from agent_observability.host.files import flat_keyed, parsed
from agent_observability.host.metrics import (
    CONTAINER_CFS_PERIODS,
    CONTAINER_CFS_THROTTLED,
    CONTAINER_MEMORY_WORKING_SET,
    CONTAINER_PROCESSES,
)
from agent_observability.metric import Metric

__all__ = ["count_processes", "figure", "figures", "read_cfs", "working_set"]

_CFS = {"nr_periods": CONTAINER_CFS_PERIODS, "nr_throttled": CONTAINER_CFS_THROTTLED}


def figure(path: str, words: Mapping[bytes, int] | None = None) -> int | None:
    """The file's single number; `words` gives numbers for words. Raises ValueError."""

    def parse(content: bytes) -> int:
        text = content.strip()
        return words[text] if words and text in words else int(text)

    try:
        return parsed(path, parse)
    except OSError:
        return None


def figures(path: str, *keys: str) -> dict[str, int]:
    """The file's numbers of `keys`, none if it cannot be read. Raises ValueError."""
    try:
        return parsed(path, lambda content: flat_keyed(content, keys))
    except OSError:
        return {}


def read_cfs(cgroup: str) -> dict[Metric, float]:
    """Quota enforcement from `cpu.stat`, which lacks it where the cpu controller is off."""
    periods = figures(f"{cgroup}/cpu.stat", *_CFS)
    return {metric: periods[key] for key, metric in _CFS.items() if key in periods}


def working_set(usage: int, inactive_file: int | None) -> dict[Metric, float]:
    """Bytes that cannot be reclaimed at once. The two figures are read apart, so their difference may dip below 0."""
    return {} if inactive_file is None else {CONTAINER_MEMORY_WORKING_SET: max(usage - inactive_file, 0)}


def count_processes(cgroup: str) -> dict[Metric, float]:
    """Processes in the cgroup itself; those of other pid namespaces count too, listed as 0."""
    try:
        return {CONTAINER_PROCESSES: parsed(f"{cgroup}/cgroup.procs", lambda content: content.count(b"\n"))}
    except OSError:
        return {}
