"""Boot time, context switches, interrupts, forks and run queue from /proc/stat (proc_stat(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile, line_values
from agent_observability.host.metrics import STAT
from agent_observability.metric import Metric

__all__ = ["StatCollector", "parse_stat"]

_STARTS = {key: f"{key} ".encode() for key in STAT}


def parse_stat(content: bytes) -> dict[str, int]:
    """The first number of each line with a key of `STAT`; `intr` goes on with a number per interrupt.

    Raises ValueError.
    """
    return {key: int(rest.partition(b" ")[0]) for key, rest in line_values(content, _STARTS).items()}


class StatCollector(LiveCollector):
    """Fails without /proc/stat, which every kernel has; a line it lacks is absent."""

    name = "stat"
    metrics = tuple(STAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "stat")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for key, value in self._file.parsed(parse_stat).items():
            yield STAT[key], [((), value)]
