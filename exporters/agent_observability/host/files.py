"""Reads files of /proc and /sys: whole, bounded, and with errors that name the file."""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

__all__ = ["KernelFile", "flat_keyed", "line_values", "parsed", "read", "read_optional"]

T = TypeVar("T")

# A mount table of 50,000 mounts takes about 6 MiB; nothing else comes near.
_MAX_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# What a kernel answers that was built or booted without the feature, or has lost the device.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EOPNOTSUPP, errno.ENODEV, errno.ENXIO, errno.ESRCH})


class KernelFile:
    """A file of /proc that every scrape reads: kept open, since to open it costs more than to read it.

    The first of `paths` that can be opened is read. When that fails later (a module was unloaded, a process ended), all
    are tried again. Not thread-safe, and not for files that are replaced instead of written, as the kernel's never are.
    """

    def __init__(self, *paths: Path) -> None:
        self._paths = [os.fspath(path) for path in paths]
        self._open: _OpenFile | None = None

    def parsed(self, parser: Callable[[bytes], T]) -> T:
        """`parser` applied to the content. Raises OSError, and ValueError with the file's name in front."""
        path, content = self._read()
        return _parse(path, content, parser)

    def parsed_optional(self, parser: Callable[[bytes], T]) -> T | None:
        """As `parsed`, but None where the kernel lacks the file."""
        try:
            return self.parsed(parser)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def _read(self) -> tuple[str, bytes]:
        if self._open is not None:
            try:
                return self._open.path, self._open.read()
            except OSError:
                self._open = None
        self._open = _OpenFile.first(self._paths)
        return self._open.path, self._open.read()


class _OpenFile:
    """A descriptor that is closed when nobody holds it any more."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    @classmethod
    def first(cls, paths: Sequence[str]) -> _OpenFile:
        """The first that can be opened; raises what the last one raised."""
        for path in paths[:-1]:
            with contextlib.suppress(OSError):
                return cls(path)
        return cls(paths[-1])

    def read(self) -> bytes:
        return _read_all(self._descriptor, self.path)


def read(path: str) -> bytes:
    """The file's content. Raises OSError, and ValueError for more than 16 MiB."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read_all(descriptor, path)
    finally:
        os.close(descriptor)


def read_optional(path: str) -> bytes | None:
    """The file's content, or None where the kernel lacks it. Raises OSError if it is there but cannot be read."""
    try:
        return read(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def parsed(path: str, parser: Callable[[bytes], T]) -> T:
    """`parser` applied to the file. Raises OSError, and the parser's ValueError with the file's name in front."""
    return _parse(path, read(path), parser)


def _read_all(descriptor: int, path: str) -> bytes:
    # A short read does not mean the end: the kernel may stop at any record of a /proc file.
    content = chunk = os.pread(descriptor, _CHUNK_BYTES, 0)
    while chunk:
        chunk = os.pread(descriptor, _CHUNK_BYTES, len(content))
        content += chunk
        if len(content) > _MAX_BYTES:
            raise ValueError(f"{path}: expected at most {_MAX_BYTES} bytes, there are more")
    return content


def _parse(path: str, content: bytes, parser: Callable[[bytes], T]) -> T:
    try:
        return parser(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def line_values(content: bytes, starts: Mapping[str, bytes]) -> dict[str, bytes]:
    """By key the rest of the first line that begins with its bytes in `starts`; a key without a line is left out.

    Far cheaper than parsing files of which a scrape shows a few lines of hundreds.
    """
    content = b"\n" + content
    values = {}
    for key, start in starts.items():
        found = content.find(b"\n" + start)
        if found >= 0:
            begin = found + 1 + len(start)
            end = content.find(b"\n", begin)
            values[key] = content[begin : end if end >= 0 else None]
    return values


def flat_keyed(content: bytes, keys: Iterable[str]) -> dict[str, int]:
    """The numbers of `keys` in a file with a key and a number per line (flat keyed, cgroup-v2.rst).

    A key the kernel does not know is left out. Raises ValueError.
    """
    return {key: int(value) for key, value in line_values(content, {key: f"{key} ".encode() for key in keys}).items()}
