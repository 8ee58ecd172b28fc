"""The state directory: everything that `agent-obs up` writes, and the lock that allows one `up` at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from agent_observability.errors import StartError

__all__ = ["StateDirectory", "write_atomically"]

# The shortest limit of a platform is 104, with a byte for the end.
_LONGEST_SOCKET = 100


class StateDirectory:
    """Paths below `$XDG_STATE_HOME/agent-observability` (default `~/.local/state/agent-observability`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock_file = root / "up.lock"
        self.record = root / "up.json"
        self.hold = root / "hold.json"
        self.generated = root / "generated"
        self.logs = root / "logs"
        self.prometheus = root / "prometheus"
        self.alertmanager = root / "alertmanager"
        self.grafana = root / "grafana"
        # What the simulated platform gives does not mix with what is real.
        self.demo_prometheus = root / "demo-prometheus"
        self.demo_ledger = root / "demo-ledger"
        self.demo_proxy = root / "demo-proxy"
        self.notifications = root / "notifications.jsonl"

    @classmethod
    def locate(cls, environment: Mapping[str, str] = os.environ) -> StateDirectory:
        """The directory of this user; nothing is created. A relative XDG_STATE_HOME is ignored, as XDG demands."""
        base = Path(environment.get("XDG_STATE_HOME", ""))
        if not base.is_absolute():
            base = Path.home() / ".local" / "state"
        return cls(base / "agent-observability")

    @property
    def demo_socket(self) -> Path:
        """Of the simulated credential proxy: beside its logs, or, where that path is too long for a socket, in a folder
        of its own for temporary files.
        """
        beside = self.demo_proxy / "proxy.sock"
        if len(bytes(beside)) <= _LONGEST_SOCKET:
            return beside
        name = f"agent-obs-{os.getuid()}-{hashlib.sha256(bytes(self.root)).hexdigest()[:12]}"
        return Path(tempfile.gettempdir()) / name / "proxy.sock"

    def create(self) -> None:
        """Make the folders, readable for this user only. Raises StartError."""
        try:
            for folder in (
                self.root,
                self.generated,
                self.logs,
                self.prometheus,
                self.demo_prometheus,
                self.alertmanager,
                self.grafana,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"cannot create {error.filename}: {error.strerror}; set XDG_STATE_HOME") from error

    def lock(self) -> IO[str] | None:
        """The lock, held until the returned file is closed or this process ends; None if another process holds it.

        Raises StartError when the lock file cannot be opened.
        """
        try:
            # Children do not inherit it: a lock that outlives its `up` would block the next one.
            file = self.lock_file.open("a")
        except OSError as error:
            raise StartError(f"cannot open {self.lock_file}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file


def write_atomically(path: Path, text: str) -> None:
    """Replace the file's content; a reader sees the old text or the new, never a part. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
