"""An audit log of the demo: written, rotated in one of the two ways there are, and never large."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from agent_observability.demo.proxy_lines import Line

__all__ = ["AuditLog"]

_MOST_BYTES = 5 * 1024 * 1024
_CALM_SECONDS = 2.0
# What waits while nothing can be written; the oldest is forgotten beyond that.
_MOST_HELD = 10_000


class AuditLog:
    """Keeps the file, the one before as `<name>.1` and the one before that as `<name>.2.gz`.

    With `rename` the file becomes `<name>.1` and a new one begins. With `copytruncate` it is copied and emptied while
    its writer keeps it open; what is written last before that is destroyed before a follower can read it, so the demo
    writes nothing for the `calm` seconds before, and tells it afterwards.

    `every` are seconds between rotations, of which an empty file has none; one that is larger than `most` bytes is
    rotated earlier. `written` is called with lines that are in the file. All methods block; those that write raise
    OSError.
    """

    def __init__(
        self,
        path: Path,
        how: Literal["rename", "copytruncate"],
        written: Callable[[Sequence[Line]], None],
        *,
        every: float = 150.0,
        calm: float = _CALM_SECONDS,
        most: int = _MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.rotations = 0
        self._how = how
        self._written = written
        self._every = every
        self._calm = calm
        self._most = most
        self._clock = clock
        self._due = clock() + every
        self._calm_since: float | None = None
        self._held: list[Line] = []
        self._leaving: list[Line] = []
        self._left = b""
        self._file = -1

    def open(self) -> bool:
        """Begin to write, at the end of what is there; whether nothing was."""
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fstat(self._file).st_size == 0

    def close(self) -> None:
        """Write what is held back, and write no more."""
        if self._file >= 0:
            try:
                self._calm_since = None
                self.write([])
            finally:
                os.close(self._file)
                self._file = -1

    def write(self, lines: Sequence[Line]) -> None:
        """Or hold them back while it is calm. After an error the next call goes on where this one ended."""
        self._held += lines
        del self._held[:-_MOST_HELD]
        if self._calm_since is not None:
            return
        while self._left or self._held:
            if not self._left:
                self._leaving, self._held = self._held, []
                self._left = b"".join(line.text for line in self._leaving)
            self._left = self._left[os.write(self._file, self._left) :]
            if not self._left:
                self._written(self._leaving)

    def tick(self) -> None:
        """Rotate if it is time to."""
        now = self._clock()
        if self._calm_since is not None:
            if now - self._calm_since >= self._calm:
                self._calm_since = None
                self._copy_and_truncate()
                self._rotated(now)
        elif (size := os.fstat(self._file).st_size) > self._most or (size and now >= self._due):
            if self._how == "copytruncate":
                self._calm_since = now
            else:
                self._rename()
                self._rotated(now)

    def _rotated(self, now: float) -> None:
        self.rotations += 1
        self._due = now + self._every
        self.write([])

    def _rename(self) -> None:
        if self.path.exists():
            self._shift()
            self.path.rename(self._older(1))
        self._open_anew()

    def _copy_and_truncate(self) -> None:
        if not self.path.exists():
            # Somebody has removed it; without a name it would grow for ever.
            self._open_anew()
            return
        self._shift()
        shutil.copyfile(self.path, self._older(1))
        self._older(1).chmod(0o600)
        os.ftruncate(self._file, 0)

    def _open_anew(self) -> None:
        before = self._file
        self.open()
        os.close(before)

    def _shift(self) -> None:
        """Make room for the next one."""
        if not self._older(1).exists():
            return
        half = self.path.with_name(f".{self.path.name}.gz")
        half.unlink(missing_ok=True)
        with (
            self._older(1).open("rb") as plain,
            os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            gzip.open(file, "wb") as packed,
        ):
            shutil.copyfileobj(plain, packed)
        half.replace(self.path.with_name(f"{self.path.name}.2.gz"))
        self._older(1).unlink()

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
