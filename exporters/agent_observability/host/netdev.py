"""Traffic per network interface from /proc/net/dev (proc_pid_net(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import NETDEV
from agent_observability.metric import Metric

__all__ = ["NetdevCollector", "parse_netdev"]

_COLUMNS = {
    "receive_bytes": 0,
    "receive_packets": 1,
    "receive_errs": 2,
    "receive_drop": 3,
    "transmit_bytes": 8,
    "transmit_packets": 9,
    "transmit_errs": 10,
    "transmit_drop": 11,
}
_HEADER_LINES = 2


def parse_netdev(content: bytes) -> dict[str, dict[str, int]]:
    """Per interface the figures of `NETDEV`. Raises ValueError."""
    interfaces = {}
    for line in content.splitlines()[_HEADER_LINES:]:
        # The kernel refuses names with a colon; large numbers follow it without a space.
        name, _, rest = line.partition(b":")
        fields = rest.split()
        if len(fields) < 16:
            raise ValueError(f"expected an interface and 16 numbers, got {line[:80]!r}")
        interfaces[os.fsdecode(name.strip())] = {figure: int(fields[column]) for figure, column in _COLUMNS.items()}
    return interfaces


class NetdevCollector(LiveCollector):
    """Fails without /proc/net/dev, which every kernel has."""

    name = "netdev"
    metrics = tuple(NETDEV.values())

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        # Process 1 is in the machine's network namespace, which this process need not be.
        self._file = KernelFile(config.path.procfs / "1/net/dev", config.path.procfs / "net/dev")
        self._exclude = config.netdev.device_exclude

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        interfaces = self._file.parsed(parse_netdev)
        shown = {name: figures for name, figures in interfaces.items() if not self._exclude.search(name)}
        for figure, metric in NETDEV.items():
            yield metric, [((name,), figures[figure]) for name, figures in shown.items()]
