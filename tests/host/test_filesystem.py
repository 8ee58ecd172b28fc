"""Mounts: which are shown, under which labels, and below which root they are asked."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from agent_observability.host.config import FilesystemConfig
from agent_observability.host.filesystem import FilesystemCollector
from agent_observability.host.mountinfo import parse_mountinfo
from agent_observability.host.statvfs import MountProber
from tests.host.tree import host, plant, samples

HOST = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
28 27 0:25 / /srv/with\\040space\\134\\011tab ro,nosuid - xfs /dev/vdb rw
29 27 0:26 / /srv/archive rw - ext4 /dev/vdc ro,noatime
30 27 0:27 / /mnt/data rw - ext4 /dev/vdd rw
31 27 0:28 / /srv/nfs rw - nfs4 server:/export rw
32 27 0:29 / /srv/unnamed rw - tmpfs  rw
33 27 0:30 / /srv/covered rw - ext4 /dev/vde rw
34 33 0:31 / /srv/covered rw - xfs /dev/vdf rw
"""


class Machine:
    """A `statvfs` that answers for every path with figures of its own and notes who was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def statvfs(self, path: str) -> os.statvfs_result:
        self.asked.append(path)
        if "archive" in path:
            raise PermissionError(13, "Permission denied", path)
        return os.statvfs_result((65536, 4096, 1000, 600, 500, 90, 80, 80, 0, 255))


def labels(lines: list[str], metric: str) -> dict[str, str]:
    """Device by mount point of the samples of one metric."""
    found = {}
    for line in lines:
        match = re.fullmatch(rf'{metric}{{device="(.*)",fstype=".*",mountpoint="(.*)"}} .*', line)
        if match:
            found[match[2]] = match[1]
    return found


def test_samples(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/1/mountinfo": "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"})
    assert samples(FilesystemCollector(host(tmp_path), MountProber(Machine().statvfs))) == [
        f'node_filesystem_{figure}{{device="/dev/vda",fstype="ext4",mountpoint="/"}} {value}'
        for figure, value in (
            ("size_bytes", 4096000),
            ("free_bytes", 2457600),
            ("avail_bytes", 2048000),
            ("files", 90),
            ("files_free", 80),
            ("readonly", 0),
            ("device_error", 0),
        )
    ]


def test_which_mounts_are_shown(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/1/mountinfo": HOST})
    lines = samples(FilesystemCollector(host(tmp_path), MountProber(Machine().statvfs)))
    space = "/srv/with space\\\\\ttab"
    assert labels(lines, "node_filesystem_device_error") == {
        "/": "/dev/vda",
        space: "/dev/vdb",
        "/srv/archive": "/dev/vdc",
        "/srv/nfs": "server:/export",
        "/srv/unnamed": "",
        "/srv/covered": "/dev/vdf",
    }
    assert [line for line in lines if "readonly" in line and line.endswith(" 1")] == [
        f'node_filesystem_readonly{{device="/dev/vdb",fstype="xfs",mountpoint="{space}"}} 1'
    ]
    assert [line for line in lines if "archive" in line] == [
        'node_filesystem_device_error{device="/dev/vdc",fstype="ext4",mountpoint="/srv/archive"} 1'
    ]


@pytest.mark.parametrize(
    ("options", "superblock", "readonly"),
    [("rw", "rw", False), ("ro,nosuid", "rw", True), ("rw", "ro", True), ("rw,errors=ro-x", "rw", False)],
)
def test_readonly_is_the_mount_or_its_file_system(options: str, superblock: str, readonly: bool) -> None:
    (mount,) = parse_mountinfo(f"1 0 8:1 / /x {options} - ext4 /dev/sda1 {superblock}\n".encode())
    assert mount.readonly is readonly


def test_exclusions_are_settings(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/1/mountinfo": HOST})
    config = host(
        tmp_path,
        filesystem=FilesystemConfig(mount_points_exclude=re.compile("^/srv"), fs_types_exclude=re.compile("^proc$")),
    )
    lines = samples(FilesystemCollector(config, MountProber(Machine().statvfs)))
    assert labels(lines, "node_filesystem_size_bytes") == {"/": "/dev/vda", "/mnt/data": "/dev/vdd"}


CONTAINER = """\
1 0 0:40 / / rw - overlay overlay rw
2 1 254:0 /etc/hosts /etc/hosts rw - ext4 /dev/vda rw
3 1 254:0 / {rootfs} ro - ext4 /dev/vda rw
4 3 254:1 / {rootfs}/srv/data ro - ext4 /dev/vdb rw
5 3 254:2 / {rootfs}side ro - ext4 /dev/vdc rw
"""


@pytest.mark.parametrize("pid", ["1", "self"])
def test_a_container_shows_only_the_machines_mounts(pid: str, tmp_path: Path) -> None:
    rootfs = tmp_path / "host"
    plant(tmp_path, {f"proc/{pid}/mountinfo": CONTAINER.format(rootfs=rootfs)})
    machine = Machine()
    lines = samples(FilesystemCollector(host(tmp_path, rootfs), MountProber(machine.statvfs)))
    assert labels(lines, "node_filesystem_size_bytes") == {"/": "/dev/vda", "/srv/data": "/dev/vdb"}
    assert machine.asked == [str(rootfs), f"{rootfs}/srv/data"]


def test_mounts_of_process_1_are_asked_below_rootfs(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/1/mountinfo": HOST, "proc/self/mountinfo": CONTAINER.format(rootfs="/rootfs")})
    machine = Machine()
    FilesystemCollector(host(tmp_path, Path("/rootfs")), MountProber(machine.statvfs)).collect()
    assert machine.asked == [
        "/rootfs",
        "/rootfs/srv/with space\\\ttab",
        "/rootfs/srv/archive",
        "/rootfs/srv/covered",
        "/rootfs/srv/nfs",
        "/rootfs/srv/unnamed",
    ]


def test_any_bytes_may_stand_in_a_mount_point(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    plant(tmp_path, {"proc/self/mountinfo": b"7 1 8:1 / %s rw - ext4 /dev/sda1 rw\n" % os.fsencode(folder)})
    lines = samples(FilesystemCollector(host(tmp_path), MountProber()))
    assert f'mountpoint="{tmp_path}/caf\N{REPLACEMENT CHARACTER}"}} 0' in lines[-1]
    assert len(lines) == 7


def test_a_broken_mount_table_fails_with_its_name(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/self/mountinfo": "27 1 254:0 / /\n"})
    with pytest.raises(ValueError, match=r"proc/self/mountinfo: expected a mount, got b'27 1 254:0 / /'"):
        FilesystemCollector(host(tmp_path), MountProber()).collect()


def test_a_missing_mount_table_fails_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="proc/self/mountinfo"):
        FilesystemCollector(host(tmp_path), MountProber()).collect()
