"""Log files that are held open: plain ones, and compressed ones that are read as if they were not."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from agent_observability.tail.place import HEAD_BYTES, PRINT_BYTES, Place, digest, first_line

__all__ = ["PACKED", "File", "Packed", "open_file"]

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_BLOCK = 256 * 1024
_OPENERS: Mapping[str, Callable[[BinaryIO], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PACKED = tuple(_OPENERS)
"""Endings of names of compressed files that can be read."""


class File:
    """A plain file. `grown` is the monotonic time at which it was last seen to have changed."""

    packed = False
    broken = ""
    """Why nothing more can be had of it, or ""."""

    def __init__(self, name: str, descriptor: int, now: float) -> None:
        self.name = name
        self._descriptor = descriptor
        self.grown = now
        status = os.fstat(descriptor)
        self.identity = status.st_dev, status.st_ino
        self.size, self.mtime = status.st_size, status.st_mtime_ns

    def refresh(self, now: float) -> None:
        """Look at size and mtime. Raises OSError."""
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime):
            self.size, self.mtime = status.st_size, status.st_mtime_ns
            self.grown = now

    def bytes_at(self, start: int, number: int) -> bytes:
        """Fewer than `number` only at the end. Raises OSError."""
        data = os.pread(self._descriptor, number, start)
        if not data or len(data) == number:
            return data
        parts = [data]
        while number > (have := sum(map(len, parts))) and (
            data := os.pread(self._descriptor, number - have, start + have)
        ):
            parts.append(data)
        return b"".join(parts)

    def read(self, place: Place, number: int) -> tuple[bytes, int] | None:
        """What was before the place, so much of it as `fits` compares, with up to `number` bytes behind it; and where
        in that these begin. None if the file does not fit the place (any more).
        """
        lead = min(PRINT_BYTES, place.offset)
        data = self.bytes_at(place.offset - lead, lead + number)
        if len(data) < lead or (lead and digest(data[:lead]) != place.printed):
            return None
        # If it was emptied in the middle of this, parts of it may be of two times, or zeros.
        if not self._still(place, data, lead):
            return None
        return data, lead

    def _still(self, place: Place, data: bytes, lead: int) -> bool:
        end = place.offset - lead + len(data)
        if os.fstat(self._descriptor).st_size < end or not self._begins(place):
            return False
        return self.bytes_at(place.offset - lead, lead) == data[:lead]

    def _begins(self, place: Place) -> bool:
        return not place.head or place.head == self.head()

    def fits(self, place: Place) -> bool:
        """Whether the file has what was before the place, and its first line. Raises OSError."""
        if not self._begins(place):
            return False
        lead = min(PRINT_BYTES, place.offset)
        before = self.bytes_at(place.offset - lead, lead)
        return len(before) == lead and (not lead or digest(before) == place.printed)

    def head(self) -> str:
        """See `Place.head`. Raises OSError."""
        return first_line(self.bytes_at(0, HEAD_BYTES))

    def place_at(self, offset: int, *, skip: bool = False) -> Place:
        """A place in this file as it is now. Raises OSError."""
        lead = min(PRINT_BYTES, offset)
        printed = digest(self.bytes_at(offset - lead, lead)) if lead else ""
        head = self.head() if offset else ""
        return Place(*self.identity, offset, printed, head, self.size, self.mtime, skip)

    def length(self) -> int:
        """Of what it holds. Raises OSError."""
        return self.size

    def behind_hole(self, offset: int) -> int:
        """`offset`, or where the hole ends that it is in; the end of the file if nothing follows."""
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return max(self.size, offset) if error.errno == errno.ENXIO else offset

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Packed(File):
    """A compressed file, whose offsets count what it holds. It does not change; memory is bounded."""

    packed = True

    def __init__(self, name: str, descriptor: int, now: float) -> None:
        super().__init__(name, descriptor, now)
        # Its own offset is moved by reading, while `pread` of the plain file moves none.
        self._raw = io.BufferedReader(io.FileIO(descriptor, closefd=False), _BLOCK)
        self._opener = next(opener for ending, opener in _OPENERS.items() if name.endswith(ending))
        self._stream = self._opener(self._raw)
        # The last bytes handed out: a place is behind the last whole line, so that a bit of them is asked for again.
        self._kept = b""
        self._kept_at = 0
        self._head: str | None = None

    def head(self) -> str:
        # Once: going back to the beginning costs a compressed file all that was read of it.
        if self._head is None:
            self._head = super().head()
        return self._head

    def bytes_at(self, start: int, number: int) -> bytes:
        reuse = b""
        if self._kept_at <= start <= self._kept_at + len(self._kept):
            reuse = self._kept[start - self._kept_at :][:number]
            if len(reuse) == number:
                return reuse
        parts = [reuse]
        if not self.broken:
            try:
                self._pull(start + len(reuse), number - len(reuse), parts)
            except (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
                # What was read until then is good.
                self.broken = f"{self.name} is damaged: {error}"
        data = b"".join(parts)
        self._kept_at, self._kept = start, data
        return data

    def _pull(self, start: int, number: int, parts: list[bytes]) -> None:
        at = self._stream.tell()
        if at != start and (at := self._stream.seek(start)) != start:
            return
        while number > 0 and (data := self._stream.read1(min(number, _BLOCK))):
            parts.append(data)
            number -= len(data)

    def _still(self, place: Place, data: bytes, lead: int) -> bool:
        return True

    def length(self) -> int:
        try:
            length: int = self._stream.seek(0, io.SEEK_END)
        except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise OSError(errno.EIO, f"is damaged: {error}", self.name) from error
        return length

    def behind_hole(self, offset: int) -> int:
        return offset

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            self._stream.close()
            self._raw.close()
        super().close()


def open_file(name: str, now: float) -> File:
    """Raises OSError, also for what is no regular file: a FIFO is not even opened, its writer would notice."""
    _check(name, Path(name).stat().st_mode)
    descriptor = os.open(name, _FLAGS)
    try:
        _check(name, os.fstat(descriptor).st_mode)
        return (Packed if name.endswith(PACKED) else File)(name, descriptor, now)
    except BaseException:
        os.close(descriptor)
        raise


def _check(name: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", name)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is no regular file", name)
