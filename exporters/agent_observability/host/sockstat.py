"""Sockets by state from /proc/net/sockstat (proc_pid_net(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import SOCKSTAT
from agent_observability.metric import Metric

__all__ = ["SockstatCollector", "parse_sockstat"]


def parse_sockstat(content: bytes) -> dict[tuple[str, str], int]:
    """Values by protocol and field, from lines such as `TCP: inuse 4 orphan 0`. Raises ValueError."""
    values = {}
    for line in content.splitlines():
        protocol, separator, rest = os.fsdecode(line).partition(":")
        fields = rest.split()
        if not separator or len(fields) % 2:
            raise ValueError(f"expected a protocol with pairs of field and number, got {line[:80]!r}")
        for field, number in zip(fields[::2], fields[1::2], strict=True):
            values[protocol, field] = int(number)
    return values


class SockstatCollector(LiveCollector):
    """Absent in a kernel without IP."""

    name = "sockstat"
    metrics = tuple(SOCKSTAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "1/net/sockstat", config.path.procfs / "net/sockstat")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        values = self._file.parsed_optional(parse_sockstat) or {}
        for key, metric in SOCKSTAT.items():
            if key in values:
                yield metric, [((), values[key])]
