"""The `host` section of the configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec

from agent_observability.units import Duration

__all__ = [
    "CgroupConfig",
    "DiskstatsConfig",
    "FilesystemConfig",
    "HostCollectors",
    "HostConfig",
    "HostPaths",
    "NetclassConfig",
    "NetdevConfig",
    "ProcessesConfig",
]

# Defaults of prometheus-node-exporter 1.5.0 as Debian ships it, so that both expose the same series; `erofs` images
# are full by design, as `squashfs` ones are, and newer releases leave them out too.
_MOUNT_POINTS = r"^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
_FS_TYPES = (
    r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|erofs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|"
    r"overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$"
)
_DISKS = r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"

CgroupId = Annotated[str, msgspec.Meta(pattern="^/")]


class HostPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Where the machine's file systems are mounted; in a container for example `/host`, `/host/proc`, `/host/sys`."""

    rootfs: Path = Path("/")
    procfs: Path = Path("/proc")
    sysfs: Path = Path("/sys")


class HostCollectors(msgspec.Struct, frozen=True, kw_only=True):
    """Which collectors run; each field is a collector's name."""

    uname: bool = True
    time: bool = True
    loadavg: bool = True
    cpu: bool = True
    stat: bool = True
    meminfo: bool = True
    vmstat: bool = True
    filesystem: bool = True
    diskstats: bool = True
    netdev: bool = True
    netclass: bool = True
    netstat: bool = True
    sockstat: bool = True
    filefd: bool = True
    conntrack: bool = True
    entropy: bool = True
    pressure: bool = True
    hwmon: bool = True
    cgroup: bool = True
    processes: bool = True


class FilesystemConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which mounts are shown. Patterns are searched, not matched from the start.

    A scrape waits `stat_timeout` for all mounts together, and not at all for those that hang already; at most
    `max_stuck` mounts may hold a thread before mounts that never answered are no longer asked.
    """

    mount_points_exclude: re.Pattern[str] = re.compile(_MOUNT_POINTS)
    fs_types_exclude: re.Pattern[str] = re.compile(_FS_TYPES)
    stat_timeout: Duration = Duration(0.1)
    max_stuck: Annotated[int, msgspec.Meta(ge=1)] = 16


class DiskstatsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which block devices are shown."""

    device_exclude: re.Pattern[str] = re.compile(_DISKS)


class NetdevConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whose traffic is shown."""

    device_exclude: re.Pattern[str] = re.compile(r"^lo$")


class NetclassConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whose state and speed is shown; with `ignore_invalid_speed` no negative speeds."""

    device_exclude: re.Pattern[str] = re.compile(r"^$")
    ignore_invalid_speed: bool = False


class CgroupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The cgroups shown: the exporter's own, and those listed, such as `/system.slice/docker.service`."""

    own: bool = True
    ids: list[CgroupId] = []


class ProcessesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Watched processes: per group a pattern, searched in the process name and in the command line."""

    groups: dict[str, re.Pattern[str]] = {}


class HostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the host exporter reads."""

    path: HostPaths = HostPaths()
    collectors: HostCollectors = HostCollectors()
    filesystem: FilesystemConfig = FilesystemConfig()
    diskstats: DiskstatsConfig = DiskstatsConfig()
    netdev: NetdevConfig = NetdevConfig()
    netclass: NetclassConfig = NetclassConfig()
    cgroup: CgroupConfig = CgroupConfig()
    processes: ProcessesConfig = ProcessesConfig()
