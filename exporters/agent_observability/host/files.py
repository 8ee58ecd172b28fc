"""Reads files of /proc and /sys: whole, bounded, and with errors that name the file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

__all__ = ["first_readable", "flat_keyed", "line_values", "parsed", "parsed_optional", "read", "read_optional"]

T = TypeVar("T")

# A mount table of 50,000 mounts takes about 6 MiB; nothing else comes near.
_MAX_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# What a kernel answers that was built or booted without the feature, or has lost the device.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EOPNOTSUPP, errno.ENODEV, errno.ENXIO, errno.ESRCH})


def read(path: Path | str, limit: int = _MAX_BYTES) -> bytes:
    """The file's content. Raises OSError, and ValueError for more than `limit` bytes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # A short read does not mean the end: the kernel may stop at any record of a /proc file.
        content = os.read(descriptor, _CHUNK_BYTES)
        chunk = content
        while chunk:
            chunk = os.read(descriptor, _CHUNK_BYTES)
            content += chunk
            if len(content) > limit:
                raise ValueError(f"{path}: expected at most {limit} bytes, there are more")
        return content
    finally:
        os.close(descriptor)


def read_optional(path: Path | str) -> bytes | None:
    """The file's content, or None where the kernel lacks it. Raises OSError if it is there but cannot be read."""
    try:
        return read(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def first_readable(*paths: Path) -> Path:
    """The first of `paths` that may be read; the last one if none may, so that reading it tells why."""
    return next((path for path in paths if os.access(path, os.R_OK)), paths[-1])


def parsed(path: Path | str, parser: Callable[[bytes], T]) -> T:
    """`parser` applied to the file. Raises OSError, and the parser's ValueError with the file's name in front."""
    return _parse(path, read(path), parser)


def parsed_optional(path: Path | str, parser: Callable[[bytes], T]) -> T | None:
    """As `parsed`, but None where the kernel lacks the file."""
    content = read_optional(path)
    return None if content is None else _parse(path, content, parser)


def _parse(path: Path | str, content: bytes, parser: Callable[[bytes], T]) -> T:
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
