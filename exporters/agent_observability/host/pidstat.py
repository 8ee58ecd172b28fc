"""One process's figures from /proc/<pid>/stat (proc_pid_stat(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["PidStat", "parse_pid_stat"]

# Columns after the name, which is the second one.
_STATE, _UTIME, _STIME, _STARTTIME, _RSS = 0, 11, 12, 19, 21


@dataclass(frozen=True, slots=True)
class PidStat:
    """`cpu` in clock ticks; `start` in clock ticks since boot, which tells a process from a later one of its pid;
    `resident` in pages; `comm` is the name, cut to 15 bytes.
    """

    comm: str
    ended: bool
    cpu: int
    start: int
    resident: int


def parse_pid_stat(content: bytes) -> PidStat:
    """Raises ValueError."""
    # The name may itself hold spaces and parentheses.
    head, closing, tail = content.rpartition(b")")
    fields = tail.split()
    if not closing or len(fields) <= _RSS:
        raise ValueError(f"expected the columns of a process, got {content[:80]!r}")
    return PidStat(
        comm=os.fsdecode(head.partition(b"(")[2]),
        ended=fields[_STATE] in (b"Z", b"X"),
        cpu=int(fields[_UTIME]) + int(fields[_STIME]),
        start=int(fields[_STARTTIME]),
        resident=int(fields[_RSS]),
    )
