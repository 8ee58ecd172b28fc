"""The machine's mounts from /proc/<pid>/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

__all__ = ["Mount", "below", "parse_mountinfo"]

_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount. `key` tells it from a later one at the same place; `mountpoint` is as its mount namespace sees it."""

    key: tuple[bytes, bytes, bytes]
    device: str
    fstype: str
    mountpoint: str
    readonly: bool


def parse_mountinfo(content: bytes) -> list[Mount]:
    """The mounts in the order of the file, without those that a later one at the same place hides.

    Raises ValueError.
    """
    mounts = {}
    # Nothing but newlines and spaces separates: a carriage return may be part of a name, and a device may be empty.
    for line in content.removesuffix(b"\n").split(b"\n"):
        head, separator, tail = line.partition(b" - ")
        fields, source = head.split(b" "), tail.split(b" ")
        if not separator or len(fields) < 6 or len(source) < 3:
            raise ValueError(f"expected a mount, got {line[:80]!r}")
        mountpoint = _unescape(fields[4])
        mounts[mountpoint] = Mount(
            key=(fields[0], fields[2], fields[4]),
            device=_unescape(source[1]),
            fstype=_unescape(source[0]),
            mountpoint=mountpoint,
            readonly=b"ro" in fields[5].split(b",") or b"ro" in source[2].split(b","),
        )
    return list(mounts.values())


def below(mounts: Iterable[Mount], rootfs: str) -> list[Mount]:
    """`mounts` with mount points as the machine sees them, whose root is mounted at `rootfs`.

    In the machine's own mount namespace nothing is mounted at `rootfs` and they are that already. In a container's,
    the machine's mounts are those at and below `rootfs`; the rest is the container's.
    """
    listed = list(mounts)
    if rootfs == "/" or all(mount.mountpoint != rootfs for mount in listed):
        return listed
    return [
        replace(mount, mountpoint=mount.mountpoint.removeprefix(rootfs) or "/")
        for mount in listed
        if mount.mountpoint == rootfs or mount.mountpoint.startswith(f"{rootfs}/")
    ]


def _unescape(field: bytes) -> str:
    r"""Spaces, tabs, newlines, backslashes and hashes stand as `\` and three octal digits."""
    return os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), field))
