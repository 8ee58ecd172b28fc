"""The `host` section of the configuration."""

from __future__ import annotations

from pathlib import Path

import msgspec

__all__ = ["HostConfig", "HostPaths"]


class HostPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Where the machine's file systems are mounted; in a container for example `/host`, `/host/proc`, `/host/sys`."""

    rootfs: Path = Path("/")
    procfs: Path = Path("/proc")
    sysfs: Path = Path("/sys")


class HostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the host exporter reads."""

    path: HostPaths = HostPaths()
