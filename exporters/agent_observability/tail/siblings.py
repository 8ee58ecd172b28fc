"""Which files are logs, and which are older parts of one, by their names."""

from __future__ import annotations

import glob
import itertools
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from agent_observability.tail.files import PACKED

__all__ = ["Sibling", "in_order", "is_sibling", "logs", "siblings"]

# Of a glob, and of a folder: what nobody can follow anyway.
_MOST_MATCHES = 100_000
_MOST_FOLDERS = 20_000
_COMPRESSED = (*PACKED, ".zst", ".Z", ".lz4", ".lzma", ".br", ".zip")
# `.1`, `-20251113`, `.2025-11-13_10`, `-20251113-1763028000`, `.20251113-101530`, `.old`
_ROTATED = re.compile(r"[.-](\d[\d.:_TZ+-]*|old|bak|prev)")
# Before the ending there has to be a date: `proxy-2.log` may well be the log of a second proxy.
_DATED = re.compile(r"[.-](?=(?:\D*\d){8})\d[\d.:_TZ+-]*")


class Sibling(NamedTuple):
    """A file beside a log with a name made of the log's. `rotated`: the rest is what rotation makes of a name."""

    path: str
    rotated: bool
    packed: bool
    identity: tuple[int, int]
    size: int
    mtime: int


def logs(pattern: str) -> list[str]:
    """Existing files that a pattern matches, sorted; one without wildcards is itself, whether it exists or not."""
    if not glob.has_magic(pattern):
        return [pattern]
    matches = itertools.islice(_matches(pattern), _MOST_MATCHES)
    return sorted({match for match in matches if not match.endswith(_COMPRESSED)})


def is_sibling(path: str, others: Collection[str]) -> bool:
    """Whether `path` is an older part of one of the `others`: has its name, `.` or `-`, and more."""
    folder, name = os.path.split(path)
    for index, character in enumerate(name):
        if character in ".-" and index and f"{folder}/{name[:index]}" in others:
            return True
    stem, ending = _split(name)
    for index, character in enumerate(stem):
        if (
            character in ".-"
            and index
            and _DATED.fullmatch(stem[index:])
            and f"{folder}/{stem[:index]}{ending}" in others
        ):
            return True
    return False


def siblings(path: str) -> list[Sibling]:
    """Regular files beside a log, and beside what it is a link to, that may be older parts of it.

    Of a file and its compressed form only the file: while it is being compressed, both are there.
    """
    found: dict[str, Sibling] = {}
    for base in dict.fromkeys((path, os.path.realpath(path))):
        folder, name = os.path.split(base)
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in itertools.islice(entries, _MOST_MATCHES)]
        except OSError:
            continue
        known = set(names)
        for other in names:
            rotated = _rotated(name, other)
            if rotated is None or (other.endswith(PACKED) and _split(other)[0] in known - {name}):
                continue
            full = f"{folder}/{other}"
            if (sibling := _look(full, rotated=rotated)) is not None:
                found[full] = sibling
    return list(found.values())


def in_order(found: Iterable[Sibling]) -> Sequence[Sibling]:
    """From the oldest to the newest; of the same time, the larger number is older."""
    return sorted(found, key=lambda one: (one.mtime, -_number(one.path), one.path))


def _matches(pattern: str) -> Iterator[str]:
    """Whatever is there. `**` enters no folder by a link: two that lead back to where they are would have no end."""
    base, recursive, rest = f"{pattern}/*".partition("/**/") if pattern.endswith("/**") else pattern.partition("/**/")
    # `Path.glob` takes no absolute patterns.
    if not recursive:
        yield from glob.iglob(pattern)  # noqa: PTH207
        return
    for top in glob.iglob(base or "/"):  # noqa: PTH207
        for folder, inner, _ in itertools.islice(os.walk(top), _MOST_FOLDERS):
            inner[:] = [name for name in inner if not name.startswith(".")]
            yield from _matches(f"{glob.escape(folder.rstrip('/'))}/{rest}")


def _split(name: str) -> tuple[str, str]:
    """A name and its ending, which may be ""."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem else (name, "")


def _number(path: str) -> int:
    for ending in PACKED:
        path = path.removesuffix(ending)
    suffix = _split(path)[1][1:]
    return int(suffix) if suffix.isdecimal() and len(suffix) < 6 else 0


def _rotated(name: str, other: str) -> bool | None:
    """Whether `other` is a rotated `name`; None if it has nothing to do with it or cannot be read."""
    if other == name:
        return None
    plain = other
    for ending in PACKED:
        plain = plain.removesuffix(ending)
    if plain.endswith(_COMPRESSED):
        return None
    if plain == name:
        return True
    if plain.startswith(name) and plain[len(name)] in ".-":
        return _ROTATED.fullmatch(plain[len(name) :]) is not None
    stem, ending = _split(name)
    if ending and plain.startswith(stem) and plain.endswith(ending) and len(plain) > len(name):
        return True if _DATED.fullmatch(plain[len(stem) : -len(ending)]) else None
    return None


def _look(full: str, *, rotated: bool) -> Sibling | None:
    try:
        status = Path(full).stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return None
    identity = status.st_dev, status.st_ino
    return Sibling(full, rotated, full.endswith(PACKED), identity, status.st_size, status.st_mtime_ns)
