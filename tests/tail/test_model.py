"""Random lives of a log, followed by one that is stopped and started at random, against what must come of them."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_observability.tail import search
from tests.support import examples
from tests.tail.following import Following

KEPT = 4

OPERATIONS = (
    "append",
    "append",
    "torn",
    "garbage",
    "rename",
    "rename",
    "copytruncate",
    "compress",
    "truncate",
    "regrow",
    "replace",
    "remove",
    "poll",
    "poll",
    "look",
    "restart",
    "later",
    "unanswered",
    "leave",
)


@dataclass
class Life:
    """A log and what was written to it. `destroyed` are lines that nobody can have read; `maybe` those whose file was
    removed: they can be read as long as it was open. `hole`: where the writer begins; one that uses O_APPEND has None.
    """

    folder: Path
    hole: int | None
    written: list[bytes] = field(default_factory=list)
    destroyed: set[bytes] = field(default_factory=set)
    maybe: set[bytes] = field(default_factory=set)
    files: dict[str, list[bytes]] = field(default_factory=dict)
    offset: int = 0

    def __post_init__(self) -> None:
        self.log = self.folder / "audit.log"
        self.follower = Following(self.log)
        self._create()
        self.follower.poll()

    def _create(self) -> None:
        self.log.touch()
        self.files["audit.log"] = []
        self.offset = self.hole or 0

    def _write(self, data: bytes) -> None:
        with self.log.open("ab" if self.hole is None else "rb+") as stream:
            if self.hole is not None:
                stream.seek(self.offset)
            stream.write(data)
            self.offset = stream.tell()

    def _line(self, kind: str) -> bytes:
        line = b"%s%d %s" % (kind.encode(), len(self.written), b"x" * (len(self.written) * 7 % 300))
        self.written.append(line)
        self.files["audit.log"].append(line)
        return line

    def _unread(self, name: str) -> set[bytes]:
        return set(self.files.pop(name)) - set(self.follower.lines)

    def append(self) -> None:
        for _ in range(1 + len(self.written) % 3):
            self._write(self._line("r") + b"\n")

    def torn(self) -> None:
        line = self._line("t") + b"\r\n"
        self._write(line[:3])
        (self.poll, self.restart, self.look)[len(line) % 3]()
        self._write(line[3:])

    def garbage(self) -> None:
        self._write(b"\0\0" + self._line("?\xff\xfe") + b"\n\n\0\n\r\n")

    def _shift(self) -> None:
        """Make room at `.1`."""
        for ending in ("", ".gz", ".bz2"):
            last = f"audit.log.{KEPT}{ending}"
            if last in self.files:
                self.maybe |= self._unread(last)
                (self.folder / last).unlink()
        for number in range(KEPT - 1, 0, -1):
            for ending in ("", ".gz", ".bz2"):
                old, new = f"audit.log.{number}{ending}", f"audit.log.{number + 1}{ending}"
                if old in self.files:
                    (self.folder / old).rename(self.folder / new)
                    self.files[new] = self.files.pop(old)

    def rename(self) -> None:
        self._shift()
        self.log.rename(self.folder / "audit.log.1")
        self.files["audit.log.1"] = self.files.pop("audit.log")
        self._create()

    def copytruncate(self) -> None:
        self._shift()
        shutil.copyfile(self.log, self.folder / "audit.log.1")
        os.truncate(self.log, 0)
        self.files["audit.log.1"] = self.files["audit.log"]
        self.files["audit.log"] = []

    def compress(self) -> None:
        """With or without the mtime of the original."""
        for number in range(1, KEPT):
            name = f"audit.log.{number}"
            if name in self.files:
                plain = self.folder / name
                ending, pack = (".gz", gzip.compress) if number % 2 else (".bz2", bz2.compress)
                packed = self.folder / (name + ending)
                packed.write_bytes(pack(plain.read_bytes()))
                if len(self.written) % 2:
                    shutil.copystat(plain, packed)
                plain.unlink()
                self.files[name + ending] = self.files.pop(name)

    def truncate(self) -> None:
        self.destroyed |= self._unread("audit.log")
        os.truncate(self.log, 0)
        self.files["audit.log"] = []

    def regrow(self) -> None:
        """Past the old offset, before anybody looks."""
        size = self.log.stat().st_size
        self.truncate()
        while self.log.stat().st_size <= size:
            self.append()

    def replace(self) -> None:
        """Written anew with the same content, as an editor does it."""
        if self.log.stat().st_size > 256:
            copy = self.folder / "new"
            shutil.copyfile(self.log, copy)
            copy.rename(self.log)

    def leave(self) -> None:
        """Renamed, and nobody writes any more for now."""
        self.append()
        self._shift()
        self.log.rename(self.folder / "audit.log.1")
        self.files["audit.log.1"] = self.files.pop("audit.log")
        self.poll()
        self.restart()
        self.poll()
        self._create()

    def remove(self) -> None:
        self.maybe |= self._unread("audit.log")
        self.log.unlink()
        self._create()

    def poll(self) -> None:
        self.follower.poll()

    def look(self) -> None:
        self.follower.look()

    def restart(self) -> None:
        self.follower.restart()

    def later(self) -> None:
        self.follower.wait(61)

    def unanswered(self) -> None:
        """A commit that happened, though nobody said so."""
        self.follower.look()
        proposal = self.follower.propose()
        if proposal is not None:
            self.follower.commit(proposal, answered=False)
            self.follower.watch.look()
            assert self.follower.watch.settle(proposal, self.follower.positions)


@pytest.mark.parametrize("slack", [0, search.SLACK])
@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([None, 0, 5_000, 300_000]), st.lists(st.sampled_from(OPERATIONS), max_size=40))
def test_every_line_once(slack: int, hole: int | None, operations: list[str]) -> None:
    """Also for a clock that is exact, as it is for files that are written with seconds between them."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "SLACK", slack)
        life = Life(Path(folder), hole)
        for name in operations:
            getattr(life, name)()
            assert len(set(life.follower.lines)) == len(life.follower.lines), "counted twice"
        life.follower.poll(2)
        life.follower.wait(61)
        counted = life.follower.lines
        assert len(set(counted)) == len(counted), "counted twice"
        assert not set(counted) - set(life.written), "never written"
        assert not set(life.written) - life.destroyed - life.maybe - set(counted), "not counted"
        life.follower.watch.close()
