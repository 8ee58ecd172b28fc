"""Program: mounts a FUSE file system that no daemon serves, so that every access to it hangs, then runs a command.

`python -m tests.host.hanging FOLDER COMMAND…`, as root in mount and pid namespaces of its own: the mount, and
whatever hangs on it, ends with the process.
"""

from __future__ import annotations

import ctypes
import os
import sys


def mount(folder: str) -> None:
    """Raises OSError. The kernel holds the mount for as long as /dev/fuse stays open, which is until the end."""
    device = os.open("/dev/fuse", os.O_RDWR)
    os.set_inheritable(device, True)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"hanging", os.fsencode(folder), b"fuse", 0, options) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)


if __name__ == "__main__":
    mount(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
