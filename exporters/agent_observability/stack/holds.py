"""Holding a part down: a drill asks by a file in the state directory, the supervisor obeys while the asker lives.

The file names the process that asks, so that a drill that was killed holds nothing any longer.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from agent_observability.errors import StartError
from agent_observability.stack.identity import ProcessIdentity, identify

__all__ = ["HOLD_SECONDS", "hold", "holder", "release", "wanted_hold"]

HOLD_SECONDS = 900.0
"""The supervisor releases a part after this time, whoever still asks."""


class _Hold(msgspec.Struct, frozen=True):
    holder: ProcessIdentity
    part: str = ""


def hold(path: Path, part: str = "") -> None:
    """Ask for `part` to be held down; "" only reserves the file for this process.

    Raises StartError if another live process has it, OSError if it cannot be written.
    """
    own = identify(os.getpid())
    if own is None:
        raise StartError("this process cannot be found in the process table: is /proc mounted?")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(_Hold(own, part)))
    try:
        other = holder(path)
        if other == own:
            temporary.replace(path)
            return
        if other is None:
            path.unlink(missing_ok=True)
            # Unlike a rename, a link fails when another drill was quicker.
            path.hardlink_to(temporary)
            return
        raise StartError(f"another drill is running (pid {other.pid})")
    except FileExistsError as error:
        raise StartError("another drill has just started") from error
    finally:
        temporary.unlink(missing_ok=True)


def release(path: Path) -> None:
    """Stop asking. Raises OSError."""
    path.unlink(missing_ok=True)


def holder(path: Path) -> ProcessIdentity | None:
    """The live process that has the file; None if there is none."""
    wish = _read(path)
    return wish.holder if wish and wish.holder.alive else None


def wanted_hold(path: Path) -> str:
    """The part to hold down now, or ""."""
    wish = _read(path)
    if wish is None or not wish.holder.alive:
        return ""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return ""
    return wish.part if age < HOLD_SECONDS else ""


def _read(path: Path) -> _Hold | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Hold)
    except (OSError, msgspec.DecodeError):
        return None
