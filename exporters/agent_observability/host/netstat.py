"""Protocol counters from /proc/net/snmp (RFC 1213 names; proc_pid_net(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile, line_values
from agent_observability.host.metrics import NETSTAT
from agent_observability.metric import Metric

__all__ = ["NetstatCollector", "parse_snmp"]


def parse_snmp(content: bytes) -> dict[tuple[str, str], int]:
    """The values of `NETSTAT`; per protocol there is a line of names and then one of numbers. Raises ValueError."""
    values = {}
    for protocol, field in NETSTAT:
        start = {protocol: f"{protocol}: ".encode()}
        names = line_values(content, start).get(protocol, b"").split()
        if (name := field.encode()) in names:
            _, _, after = content.partition(b" ".join(names) + b"\n")
            numbers = line_values(after, start).get(protocol, b"").split()
            if len(numbers) != len(names):
                raise ValueError(f"expected a number per field of {protocol}, got {numbers[:80]!r}")
            values[protocol, field] = int(numbers[names.index(name)])
    return values


class NetstatCollector(LiveCollector):
    """Absent in a kernel without IP."""

    name = "netstat"
    metrics = tuple(NETSTAT.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "1/net/snmp", config.path.procfs / "net/snmp")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        values = self._file.parsed_optional(parse_snmp) or {}
        for key, metric in NETSTAT.items():
            if key in values:
                yield metric, [((), values[key])]
