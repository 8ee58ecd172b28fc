"""A ledger in a SQLite file: WAL, synchronous=FULL, one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.errors import LedgerStandbyError, LedgerUnavailableError
from agent_observability.ledger.transaction import EventRow, Transaction

__all__ = ["SqliteBackend"]

log = logging.getLogger(__name__)

# How long a statement waits for a backup or a curious shell that holds the file.
_BUSY_SECONDS = 2.0
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_VACUUM_PAGES = 500
# Free pages are used again; only when they are a large part of the file, the disk gets some back.
_VACUUM_SHARE = 0.25
_WAL_BYTES = 64 * 1024**2


class SqliteBackend(Backend):
    """The ledger in the file `path`; `<path>.lock` says who writes to it.

    A file that is no sound database is moved aside to `<path>.corrupt-<time>` and a new one begun.
    """

    mark = "?"
    clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    # The lock is kept over failures, and ends with the process.
    lease_seconds = float("inf")
    driver_errors = (sqlite3.Error,)

    def __init__(self, path: Path, host: str = "") -> None:
        self._path = path
        self._lock: int | None = None
        self._inode = 0
        self._damaged = False
        engine = create_engine(
            f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}
        )
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        super().__init__(engine, host)

    @property
    def name(self) -> str:
        return str(self._path)

    def open(self) -> None:
        self._take_lock()
        if not self._damaged:
            try:
                super().open()
            except (DatabaseError, sqlite3.DatabaseError) as error:
                self.notice(error)
                if not self._damaged:
                    raise
            else:
                return
        self._set_aside()
        super().open()

    def vacuum(self) -> None:
        self.open()
        try:
            driver = self._writer().connection.cursor()
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.close()
            self.leave()

    def notice(self, error: BaseException) -> None:
        self._damaged = self._damaged or _code(error) in _DAMAGE

    def bad_data(self, error: BaseException) -> bool:
        return _code(error) in (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)

    def undecided(self, error: BaseException) -> bool:
        # A commit may have reached the disk when flushing it failed; all other errors undo it.
        return _code(error) == sqlite3.SQLITE_IOERR

    def size(self) -> int:
        return sum(file.stat().st_size for file in self._files() if file.exists())

    def used(self, connection: Connection) -> int:
        size, pages, free = _pages(connection)
        return size * (pages - free)

    def renew(self) -> None:
        if not self._path.exists() or self._path.stat().st_ino != self._inode:
            raise LedgerUnavailableError(f"{self._path} was removed or replaced")

    def tidy(self) -> bool:
        connection = self._writer()
        with connection.begin():
            _, pages, free = _pages(connection)
        if free <= pages * _VACUUM_SHARE:
            return False
        # It frees one page a step, and of the driver's methods only this one takes all steps.
        connection.connection.cursor().executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        return True

    def _transaction(self, connection: Connection, next_dimension: int) -> Transaction:
        # Each time: a file that was removed still takes whatever is written to it, and keeps nothing.
        self.renew()
        return _SqliteTransaction(self, connection, next_dimension)

    def _acquire(self, connection: Connection) -> None:
        self._inode = self._path.stat().st_ino

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        path = self._path.with_name(self._path.name + ".lock")
        self._lock = lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
            self.leave()
            raise LedgerStandbyError(f"{self._path} is written by process {holder or 'unknown'}") from None
        # Who it is is a courtesy; a full disk must not keep the lock from being taken.
        with contextlib.suppress(OSError):
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)

    def leave(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _files(self) -> list[Path]:
        return [self._path.with_name(self._path.name + suffix) for suffix in ("", "-wal", "-shm")]

    def _set_aside(self) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        for file in self._files():
            if file.exists():
                file.rename(file.with_name(f"{file.name}.corrupt-{stamp}"))
        self._damaged = False
        log.critical(
            "the ledger %s is damaged: kept as %s.corrupt-%s, a new one begins", self._path, self._path.name, stamp
        )


class _SqliteTransaction(Transaction):
    def insert_events(self, rows: Sequence[EventRow]) -> list[bool]:
        if not rows:
            return []
        statement = "INSERT OR IGNORE INTO event (timestamp, id, kind, dimension, data) VALUES (?, ?, ?, ?, ?)"
        # Nearly always all are new, and that takes one call. Where not, it is undone and each row asked. The savepoint
        # is not SQLAlchemy's: that would try to release it after an error that has undone the whole transaction.
        run = self._connection.exec_driver_sql
        run("SAVEPOINT events")
        if run(statement, list(rows)).rowcount == len(rows):
            run("RELEASE events")
            self.events += len(rows)
            return [True] * len(rows)
        run("ROLLBACK TO events")
        run("RELEASE events")
        stored = [run(statement, row).rowcount == 1 for row in rows]
        self.events += sum(stored)
        return stored


def _code(error: BaseException) -> int:
    """SQLite's primary result code; 0 for other errors."""
    code: int = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return code & 0xFF


def _pages(connection: Connection) -> tuple[int, int, int]:
    """Size of a page, number of pages, number of free ones."""
    names = ("page_size", "page_count", "freelist_count")
    size, pages, free = (int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in names)
    return size, pages, free


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are begun by `_begin`, not by the driver.
    connection.isolation_level = None
    for pragma in (
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = FULL",
        "cache_size = -16000",
        "temp_store = MEMORY",
        f"journal_size_limit = {_WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # At once for writing: a read that turns into a write could fail with "database is locked" without waiting.
    reading = connection.get_execution_options().get("ledger_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
