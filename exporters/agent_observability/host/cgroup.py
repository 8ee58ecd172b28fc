"""CPU, memory and processes of cgroups under cAdvisor's names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host import cgroup_v1, cgroup_v2
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import (
    CONTAINER_CFS_PERIODS,
    CONTAINER_CFS_THROTTLED,
    CONTAINER_CPU,
    CONTAINER_MEMORY_FAILCNT,
    CONTAINER_MEMORY_LIMIT,
    CONTAINER_MEMORY_USAGE,
    CONTAINER_MEMORY_WORKING_SET,
    CONTAINER_OOM_EVENTS,
    CONTAINER_PROCESSES,
)
from agent_observability.metric import Metric

__all__ = ["CgroupCollector", "parse_own_cgroups"]

_UNIFIED = ""


def parse_own_cgroups(content: bytes) -> dict[str, str]:
    """Per v1 controller the path of the process's cgroup from /proc/<pid>/cgroup; key "" is the v2 hierarchy.

    Format: cgroups(7). Raises ValueError.
    """
    paths: dict[str, str] = {}
    for line in content.removesuffix(b"\n").split(b"\n"):
        fields = os.fsdecode(line).split(":", 2)
        if len(fields) != 3:
            raise ValueError(f"expected hierarchy:controllers:path, got {line[:80]!r}")
        paths |= dict.fromkeys(fields[1].split(","), fields[2])
    return paths


class CgroupCollector(LiveCollector):
    """Every figure comes from the hierarchy that holds its controller: v1 where that is mounted, else v2.

    A cgroup that does not exist, or not in that hierarchy, is absent.
    """

    name = "cgroup"
    metrics = (
        CONTAINER_CPU,
        CONTAINER_CFS_PERIODS,
        CONTAINER_CFS_THROTTLED,
        CONTAINER_MEMORY_USAGE,
        CONTAINER_MEMORY_WORKING_SET,
        CONTAINER_MEMORY_LIMIT,
        CONTAINER_MEMORY_FAILCNT,
        CONTAINER_OOM_EVENTS,
        CONTAINER_PROCESSES,
    )

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._root = os.fspath(config.path.sysfs / "fs/cgroup")
        self._own = KernelFile(config.path.procfs / "self/cgroup")
        self._config = config.cgroup

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        own = (self._own.parsed_optional(parse_own_cgroups) or {}) if self._config.own else {}
        values: dict[Metric, dict[tuple[str, ...], float]] = {metric: {} for metric in self.metrics}
        for reader, hierarchy, key in self._hierarchies():
            for id_, directory in self._cgroups(hierarchy, own.get(key)):
                for metric, value in reader(directory).items():
                    values[metric][id_,] = value
        return [(metric, list(samples.items())) for metric, samples in values.items()]

    def _hierarchies(self) -> Iterable[tuple[Callable[[str], Mapping[Metric, float]], str, str]]:
        """Per controller its reader, where its hierarchy is mounted, and its key in `parse_own_cgroups`."""
        # systemd calls it hybrid: v1 beside a v2 that holds the controllers v1 does not.
        v1 = None if _is_v2(self._root) else self._root
        unified = self._root if v1 is None else f"{self._root}/unified"
        for controller, reader in cgroup_v1.READERS.items():
            if v1 is not None and _exists(f"{v1}/{controller}"):
                yield reader, f"{v1}/{controller}", controller
            elif _is_v2(unified):
                yield cgroup_v2.READERS[controller], unified, _UNIFIED

    def _cgroups(self, hierarchy: str, own: str | None) -> Iterable[tuple[str, str]]:
        """The id and the folder of each cgroup to show."""
        ids = dict.fromkeys(self._config.ids)
        for id_ in ids:
            yield id_, (hierarchy + id_).rstrip("/")
        if own is not None and own not in ids:
            # A container without a cgroup namespace knows its full path but has only its own cgroup mounted.
            directory = (hierarchy + own).rstrip("/")
            yield own, directory if _exists(directory) else hierarchy


def _is_v2(hierarchy: str) -> bool:
    return _exists(f"{hierarchy}/cgroup.controllers")


def _exists(path: str) -> bool:
    return os.access(path, os.F_OK)
