"""Protocol counters from /proc/net/snmp (RFC 1213 names; proc_pid_net(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import first_readable, parsed_optional
from agent_observability.host.metrics import NETSTAT
from agent_observability.metric import Metric

__all__ = ["NetstatCollector", "parse_snmp"]


def parse_snmp(content: bytes) -> dict[tuple[str, str], int]:
    """Values by protocol and field, from pairs of lines: names, then numbers. Raises ValueError."""
    values = {}
    lines = content.splitlines()
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        protocol, _, fields = os.fsdecode(names).partition(": ")
        owner, _, rest = os.fsdecode(numbers).partition(": ")
        if owner != protocol or len(fields.split()) != len(rest.split()):
            raise ValueError(f"expected a number per field of {names[:80]!r}, got {numbers[:80]!r}")
        for field, number in zip(fields.split(), rest.split(), strict=True):
            values[protocol, field] = int(number)
    return values


class NetstatCollector(LiveCollector):
    """Absent in a kernel without IP."""

    name = "netstat"
    metrics = tuple(NETSTAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._paths = (config.path.procfs / "1/net/snmp", config.path.procfs / "net/snmp")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        values = parsed_optional(first_readable(*self._paths), parse_snmp) or {}
        for key, metric in NETSTAT.items():
            if key in values:
                yield metric, [((), values[key])]
