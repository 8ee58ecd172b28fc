"""A PostgreSQL server of the tests' own, from the machine's packages, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from agent_observability.decode import Secret
from tests.support import free_port, wait_until

__all__ = ["Cluster", "why_not"]

_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/pgsql/bin"))
_PASSWORD = "p@ss/word"


def _program(name: str) -> str | None:
    found = next((str(place / name) for place in _PLACES if (place / name).exists()), None)
    return found or shutil.which(name)


def why_not() -> str:
    """Why no server can be started here; "" if one can."""
    if not _program("initdb") or not _program("postgres"):
        return "no PostgreSQL server here: apt-get install postgresql"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class Cluster:
    """A running server on 127.0.0.1. `durable` makes it flush as in production, which only measurements need."""

    def __init__(self, *, durable: bool = False) -> None:
        # The server refuses to run as root, and its user cannot look into pytest's folders.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._root = Path(tempfile.mkdtemp(prefix="agent-obs-pg-"))
        self._root.chmod(0o700)
        if self._user:
            shutil.chown(self._root, self._user)
        self._data = self._root / "data"
        self._log = self._root / "log"
        self.port = free_port()
        self._flags = [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        self._server: subprocess.Popen[bytes] | None = None
        password = self._root / "password"
        password.write_text(_PASSWORD)
        if self._user:
            shutil.chown(password, self._user)
        self._run("initdb", "-D", self._data, "-U", "obs", "--pwfile", password, "-A", "scram-sha-256", "--no-sync")
        self.start()

    def start(self) -> None:
        command = [
            *(str(part) for part in (_program("postgres"), "-D", self._data, "-p", self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._root}", *self._flags),
        ]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, user=self._user, cwd="/", process_group=0)
        wait_until(self._answers, 30, what=lambda: self._log.read_text(errors="replace"))

    def stop(self) -> None:
        """As a crash would: connections are cut, nothing is said."""
        assert self._server
        os.killpg(self._server.pid, 9)
        self._server.wait()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._root)

    def url(self, port: int | None = None, database: str = "postgres") -> Secret:
        return Secret(f"postgresql://obs:p%40ss%2Fword@127.0.0.1:{port or self.port}/{database}")

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection for what the tests do behind the ledger's back."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="obs", password=_PASSWORD, dbname="postgres", autocommit=True
        )

    def drop(self, schema: str) -> None:
        """Forget what an earlier test has left there."""
        with self.connect() as connection:
            connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'.encode())

    def _answers(self) -> bool:
        assert self._server
        assert self._server.poll() is None, self._log.read_text(errors="replace")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, name: str, *arguments: object) -> None:
        command = [str(_program(name)), *(str(argument) for argument in arguments)]
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd="/")
