"""The parts' log files: bounded by size, and their last lines for messages."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["LOG_BYTES", "append", "bound", "tail"]

LOG_BYTES = 4 * 1024 * 1024
"""A log that has grown past this becomes `<name>.log.1`, replacing the one before."""

_TAIL_BYTES = 8 * 1024
_CHUNK_BYTES = 1024 * 1024


def bound(path: Path, limit: int = LOG_BYTES) -> None:
    """Move the content of a log larger than `limit` bytes aside. Raises OSError.

    The part keeps its file open, in append mode: the file is copied and emptied, since one that is renamed would
    keep growing under its new name.
    """
    try:
        if path.stat().st_size <= limit:
            return
    except FileNotFoundError:
        return
    with path.open("rb+") as source, path.with_name(f"{path.name}.1").open("wb") as old:
        # A part that logs without end may have written far more than the limit since the last look.
        source.seek(-limit, os.SEEK_END)
        left = limit
        while left > 0 and (chunk := source.read(min(_CHUNK_BYTES, left))):
            old.write(chunk)
            left -= len(chunk)
        source.truncate(0)


def append(path: Path, line: str) -> None:
    """Add a line of the supervisor's own to a part's log. Raises OSError."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def tail(path: Path, lines: int = 8) -> str:
    """The log's last lines, indented; a note if it is empty or cannot be read."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError as error:
        return f"    ({path}: {error.strerror})"
    last = [line[:300] for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in last) or f"    ({path} is empty)"
