"""Which process a pid means: a pid alone may name another process by the time it is read back."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from pathlib import Path

import msgspec
import psutil

__all__ = ["ProcessIdentity", "end_group", "identify", "signal_group"]

_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0


class ProcessIdentity(msgspec.Struct, frozen=True):
    """`started` is opaque: on Linux boot id and clock ticks since boot, which no change of the clock moves."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs; a zombie does not."""
        return identify(self.pid) == self


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of the running process `pid`; None if there is none."""
    try:
        if not Path("/proc/self/stat").exists():
            process = psutil.Process(pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
            return None if ended else ProcessIdentity(pid, f"{process.create_time():.3f}")
        # The name in parentheses may hold anything; after it come state and 19 fields, then the start time.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (psutil.Error, FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    return ProcessIdentity(pid, f"{_boot_id()}:{fields[19].decode()}")


@functools.cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def end_group(identity: ProcessIdentity, seconds: float) -> bool:
    """Ends the process group that `identity` leads: SIGTERM, and SIGKILL after `seconds`. Blocks.

    Does nothing and returns False if that very process no longer runs.
    """
    if not identity.alive:
        return False
    signal_group(identity.pid, signal.SIGTERM)
    if not _wait(identity, seconds):
        signal_group(identity.pid, signal.SIGKILL)
        _wait(identity, _KILL_SECONDS)
    # Helpers of a leader that ended may ignore SIGTERM; as long as one lives, the kernel reuses the number for nobody.
    signal_group(identity.pid, signal.SIGKILL)
    return True


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group that `pid` leads; a group that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _wait(identity: ProcessIdentity, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while identity.alive:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
