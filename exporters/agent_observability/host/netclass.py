"""State and speed of network interfaces from /sys/class/net (Documentation/ABI/testing/sysfs-class-net)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import parsed, read_optional
from agent_observability.host.metrics import NETWORK_SPEED, NETWORK_UP
from agent_observability.metric import Metric

__all__ = ["NetclassCollector", "parse_speed"]

_BYTES_PER_MEGABIT = 1_000_000 // 8


def parse_speed(content: bytes) -> int:
    """Bytes per second from megabits per second; -1 megabit stands for unknown. Raises ValueError."""
    return int(content) * _BYTES_PER_MEGABIT


class NetclassCollector(LiveCollector):
    """Shows every interface of the network namespace that /sys was mounted in."""

    name = "netclass"
    metrics = (NETWORK_UP, NETWORK_SPEED)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._directory = os.fspath(config.path.sysfs / "class/net")
        self._exclude = config.netclass.device_exclude
        self._ignore_invalid_speed = config.netclass.ignore_invalid_speed

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        up: list[Sample] = []
        speeds: list[Sample] = []
        for name in _interfaces(self._directory):
            if self._exclude.search(name):
                continue
            # Not every entry is an interface (bonding_masters is a file), and interfaces vanish while they are read.
            state = read_optional(f"{self._directory}/{name}/operstate")
            if state is None:
                continue
            up.append(((name,), int(state.strip() == b"up")))
            speed = _speed(f"{self._directory}/{name}/speed")
            if speed is not None and (speed >= 0 or not self._ignore_invalid_speed):
                speeds.append(((name,), speed))
        yield NETWORK_UP, up
        yield NETWORK_SPEED, speeds


def _interfaces(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return []


def _speed(path: str) -> int | None:
    try:
        return parsed(path, parse_speed)
    except OSError:
        # Drivers without a speed and interfaces that are down answer with various errors.
        return None
