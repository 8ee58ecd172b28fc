"""Boot time, context switches, interrupts, forks and run queue from /proc/stat (proc_stat(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import parsed
from agent_observability.host.metrics import STAT
from agent_observability.metric import Metric

__all__ = ["StatCollector", "parse_stat"]


def parse_stat(content: bytes) -> dict[str, int]:
    """The first number of each line with a key of `STAT`; `intr` goes on with a number per interrupt.

    Raises ValueError.
    """
    values = {}
    for line in content.splitlines():
        key, _, rest = line.partition(b" ")
        name = os.fsdecode(key)
        if name in STAT:
            values[name] = int(rest.partition(b" ")[0])
    return values


class StatCollector(LiveCollector):
    """Fails without /proc/stat, which every kernel has; a line it lacks is absent."""

    name = "stat"
    metrics = tuple(STAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._path = config.path.procfs / "stat"

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for key, value in parsed(self._path, parse_stat).items():
            yield STAT[key], [((), value)]
