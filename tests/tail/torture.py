"""Everything that can happen to a log, while several processes write to it and the one that reads it is killed.

The truth is known: nobody writes while something is destroyed, and what was destroyed before it can have been read is
set apart. What is set apart may be counted or not, but not twice; all the rest is counted exactly once.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent_observability.credential_proxy.metrics import REQUESTS
from agent_observability.tail.metrics import TAIL_LOST, TAIL_ROTATIONS
from agent_observability.tail.place import decode
from tests.support import ROOT, Child, running, wait_until
from tests.tail.writer import Key, key_of, record

# How often which: some of them wait until everything was counted.
_OPERATIONS = {
    "rename": 6,
    "copytruncate": 6,
    "compress": 3,
    "truncate": 1,
    "regrow": 2,
    "remove": 1,
    "down": 2,
    "wild": 2,
}
# For so long in the end nothing more may be counted.
_QUIET_SECONDS = 1.0


class Torture:
    """Of `command`, which follows `log` and keeps its counts in the SQLite file `ledger`. After `patience` seconds in
    the end it must be done with all rotated files.

    After `run` there are `truth` and `maybe`: records by service, operation and status, and those among them that were
    destroyed unread; `kills`, and `done`: what was done to the log how often.
    """

    def __init__(
        self, folder: Path, command: Sequence[str | Path], ledger: Path, log: Path, *, patience: float = 60.0
    ) -> None:
        self._folder = folder
        self._patience = patience
        self._command = command
        self._ledger = ledger
        self._log = log
        self._lock = folder / "lock"
        self.truth: Counter[Key] = Counter()
        self.maybe: Counter[Key] = Counter()
        self.done: Counter[str] = Counter()
        self.kills = 0
        self._choice = random.Random(0)
        self._ended = threading.Event()
        self._failed: list[BaseException] = []
        self._stay_down = threading.Event()

    def run(self, *, records: int, writers: int, pause: float, after: tuple[float, float], seed: int) -> None:
        """Raises AssertionError unless the counts are what they must be. `pause` is between bursts of a writer, `after`
        the least and the most seconds until the next kill.
        """
        self._choice = random.Random(seed)
        self._log.parent.mkdir(exist_ok=True)
        self._log.touch()
        with self._child() as child:
            # From here on the log is known, so that everything in it counts.
            wait_until(lambda: self._position() is not None, 20, what=child.output)
        processes = [self._writer(number, records // writers, seed, pause) for number in range(writers)]
        rotator = threading.Thread(target=self._rotate)
        rotator.start()
        try:
            while any(process.poll() is None for process in processes):
                self._live_and_die(after)
        finally:
            self._ended.set()
            with self._child() as child:
                rotator.join(60)
                for process in processes:
                    process.kill()
        assert not rotator.is_alive(), "the rotator waits for what is never counted"
        assert not self._failed, self._failed
        for process in processes:
            output, _ = process.communicate()
            self.truth.update({tuple(key): number for *key, number in json.loads(output)})
        with self._child() as child:
            wait_until(self._finished, self._patience, what=child.output)
            wait_until(lambda: not self._wrong(), 20, what=lambda: f"{self._wrong()}\n{child.output()[-2000:]}")
            # Nothing may come after that.
            counted, until = self.counted(), time.monotonic() + _QUIET_SECONDS
            wait_until(lambda: self.counted() != counted or time.monotonic() > until)
            assert self.counted() == counted
            child.end(signal.SIGTERM, 10)
        self._check_losses()

    def counted(self) -> Counter[Key]:
        """Records in the ledger."""
        rows = self._rows("SELECT labels, value FROM series WHERE metric = ?", REQUESTS.name)
        return Counter({tuple(json.loads(labels)): int(value) for labels, value in rows if int(value)})

    def lost(self) -> int:
        return sum(int(value) for (value,) in self._rows("SELECT value FROM series WHERE metric = ?", TAIL_LOST.name))

    def rotations(self) -> dict[str, int]:
        rows = self._rows("SELECT labels, value FROM series WHERE metric = ?", TAIL_ROTATIONS.name)
        return {json.loads(labels)[1]: int(value) for labels, value in rows}

    def _wrong(self) -> list[str]:
        counted = self.counted()
        return [
            f"{key}: {counted[key]} instead of {self.truth[key] - self.maybe[key]} to {self.truth[key]}"
            for key in {*counted, *self.truth}
            if not self.truth[key] - self.maybe[key] <= counted[key] <= self.truth[key]
        ]

    def _check_losses(self) -> None:
        missing = self.truth.total() - self.counted().total()
        assert 0 <= missing <= self.maybe.total()
        rotations = self.rotations()
        if missing:
            assert self.lost() or rotations.get("truncate") or rotations.get("rename")
        print(
            f"{self.truth.total()} records, {self.kills} kills, {dict(self.done)}, {self.maybe.total()} destroyed in"
            f" passing, {missing} of them unread; lost {self.lost()} bytes, {rotations}"
        )

    def _child(self) -> contextlib.AbstractContextManager[Child]:
        return running(self._command, self._folder / "victim.log")

    def _writer(self, number: int, records: int, seed: int, pause: float) -> subprocess.Popen[bytes]:
        arguments = (self._log, self._lock, number, records, seed, pause)
        command = [sys.executable, "-m", "tests.tail.writer", *map(str, arguments)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)

    def _live_and_die(self, after: tuple[float, float]) -> None:
        with self._child() as child:
            time.sleep(self._choice.uniform(*after))
            assert child.process.poll() is None, child.output()
            assert not self._failed, self._failed
            child.process.send_signal(signal.SIGKILL)
            child.process.wait()
        self.kills += 1
        if self._stay_down.is_set():
            # Several things happen to the log while nobody reads it.
            time.sleep(1.0)
            self._stay_down.clear()

    def _rotate(self) -> None:
        choice = random.Random(self._choice.random())
        try:
            while not self._ended.wait(choice.uniform(0.05, 0.5)):
                [name] = choice.choices(list(_OPERATIONS), weights=list(_OPERATIONS.values()))
                getattr(self, f"_{name}")(choice)
                self.done[name] += 1
        except BaseException as error:
            self._failed.append(error)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While nobody writes."""
        with self._lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _shift(self) -> None:
        for number in range(60, 0, -1):
            for ending in ("", ".gz"):
                old = self._rotated(number, ending)
                if old.exists():
                    old.rename(self._rotated(number + 1, ending))

    def _rotated(self, number: int, ending: str = "") -> Path:
        return self._log.with_name(f"{self._log.name}.{number}{ending}")

    def _rename(self, _: random.Random) -> None:
        # Writers go on for a while, some of them with the old file.
        self._shift()
        with contextlib.suppress(FileNotFoundError):
            self._log.rename(self._rotated(1))

    def _copytruncate(self, _: random.Random) -> None:
        with self._alone():
            if self._log.exists():
                self._shift()
                shutil.copyfile(self._log, self._rotated(1))
                os.truncate(self._log, 0)

    def _compress(self, choice: random.Random) -> None:
        """What nobody writes to any more."""
        for number in range(2, 60):
            plain = self._rotated(number)
            if plain.exists() and time.time() - plain.stat().st_mtime > 1:
                packed = self._rotated(number, ".gz")
                packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
                if choice.random() < 0.5:
                    shutil.copystat(plain, packed)
                plain.unlink()
                return

    def _truncate(self, _: random.Random) -> None:
        with self._alone():
            if self._all_read():
                os.truncate(self._log, 0)

    def _regrow(self, choice: random.Random) -> None:
        """Past the old offset, before anybody can look."""
        with self._alone():
            if not self._all_read():
                return
            size = self._log.stat().st_size
            data = b""
            while len(data) <= size:
                key, line = record(f"regrown-{self.done.total()}-{len(data)}", choice)
                data += line + b"\n"
                self.truth[key] += 1
            os.truncate(self._log, 0)
            with self._log.open("ab") as file:
                file.write(data)

    def _remove(self, _: random.Random) -> None:
        with self._alone():
            if self._all_read():
                self._log.unlink()

    def _down(self, _: random.Random) -> None:
        self._stay_down.set()

    def _wild(self, choice: random.Random) -> None:
        """Destroyed, whether it was read or not."""
        with self._alone(), contextlib.suppress(FileNotFoundError):
            found = map(key_of, self._log.read_bytes().split(b"\n"))
            self.maybe.update(key for key in found if key is not None)
            if choice.random() < 0.5:
                os.truncate(self._log, 0)
            else:
                self._log.unlink()

    def _all_read(self) -> bool:
        """Whether the log is there and all of it was counted within a while."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not self._ended.is_set():
            if not self._log.exists():
                return False
            status = self._log.stat()
            book = self._position()
            if book is not None and book.places:
                *older, last = book.places
                there = (last.device, last.inode, last.offset) == (status.st_dev, status.st_ino, status.st_size)
                if there and not any(place.owed for place in older):
                    return True
            time.sleep(0.02)
        return False

    def _finished(self) -> bool:
        """Whether only the file at the path is still followed, to its end."""
        book = self._position()
        size = self._log.stat().st_size if self._log.exists() else 0
        return book is not None and len(book.places) <= 1 and all(place.offset == size for place in book.places)

    def _position(self) -> Any:
        rows = self._rows("SELECT value FROM position WHERE source LIKE ?", "tail/%/file/%")
        return decode(rows[0][0]) if rows else None

    def _rows(self, query: str, *parameters: str) -> list[Any]:
        """Of the ledger, behind the back of its process."""
        if not self._ledger.exists():
            return []
        with contextlib.closing(sqlite3.connect(self._ledger, timeout=10)) as shell:
            if not shell.execute("SELECT 1 FROM sqlite_master WHERE name = 'writer'").fetchone():
                return []
            return shell.execute(query, parameters).fetchall()
