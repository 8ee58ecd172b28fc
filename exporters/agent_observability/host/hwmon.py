"""Temperatures from /sys/class/hwmon (Documentation/hwmon/sysfs-interface.rst).

Read here and not through psutil, which knows no other /sys than its own and names a chip by its driver alone: two
equal chips would share a label, and node_exporter's label is the device's place on its bus.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import read_optional
from agent_observability.host.metrics import HWMON_TEMP
from agent_observability.metric import Metric

__all__ = ["HwmonCollector"]

_INPUT = re.compile(r"(temp\d+)_input")
_UNCLEAN = re.compile(r"[^a-z0-9:_]")


class HwmonCollector(LiveCollector):
    """Absent on a machine without sensors, as most virtual ones are."""

    name = "hwmon"
    metrics = (HWMON_TEMP,)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._directory = config.path.sysfs / "class/hwmon"

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        samples: dict[tuple[str, str], float] = {}
        for name in _names(self._directory):
            chip = self._directory / name
            # Old drivers put their files into the device's folder.
            for directory in (chip / "device", chip):
                for sensor, celsius in _temperatures(directory):
                    samples[_chip_label(chip), sensor] = celsius
        yield HWMON_TEMP, list(samples.items())


def _temperatures(directory: Path) -> Iterable[tuple[str, float]]:
    for name in _names(directory):
        match = _INPUT.fullmatch(name)
        if match is None:
            continue
        path = directory / name
        try:
            millidegrees = path.read_text()
        except OSError:
            # A sensor that is asleep or not wired up answers with various errors; the others still count.
            continue
        try:
            yield match[1], int(millidegrees) / 1000
        except ValueError as error:
            raise ValueError(f"{path}: expected thousandths of a degree, got {millidegrees[:80]!r}") from error


def _chip_label(chip: Path) -> str:
    """`platform_coretemp_0`: the device's bus and name; without a device the driver's name, then the entry's own."""
    device = chip / "device"
    if device.exists():
        resolved = device.resolve()
        return "_".join(filter(None, (_clean(resolved.parent.name), _clean(resolved.name))))
    name = read_optional(os.fspath(chip / "name")) or b""
    return _clean(os.fsdecode(name.strip())) or _clean(chip.resolve().name)


def _clean(name: str) -> str:
    return _UNCLEAN.sub("_", name.lower()).strip("_")


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
