"""The Unix socket of the demo's credential proxy: one guest at a time, as the real one serves them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from pathlib import Path

from agent_observability.errors import StartError

__all__ = ["Door", "private_folder"]

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0
_AGAIN_SECONDS = 1.0
_BACKLOG = 16
_ANSWER = b'{"status":"ERROR","error":"the demo gives no credentials"}\n'


class Door:
    """Takes a connection, waits until its guest leaves or says something, and only then takes the next.

    Unlike the real one it loses its patience with a guest that does neither. `taken` counts connections.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.taken = 0
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Listen; a socket that somebody left behind is replaced. Raises StartError."""
        private_folder(self.path.parent)
        listening = socket.socket(socket.AF_UNIX)
        try:
            self._remove_left_behind()
            listening.bind(os.fspath(self.path))
            # Nobody can connect before it listens.
            self.path.chmod(0o600)
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise StartError(f"cannot listen on {self.path}: {error.strerror or error}") from error
        listening.setblocking(False)
        self._socket = listening

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.path.unlink(missing_ok=True)
            # A folder of its own goes with it; one with logs stays.
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()

    async def serve(self) -> None:
        """While it is open, until cancelled."""
        loop = asyncio.get_running_loop()
        while self._socket is not None:
            try:
                guest, _ = await loop.sock_accept(self._socket)
            except OSError as error:
                # Out of descriptors, say: that passes.
                log.warning("cannot take a connection: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            self.taken += 1
            with guest, contextlib.suppress(OSError, TimeoutError):
                guest.setblocking(False)
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    if await loop.sock_recv(guest, 4096):
                        await loop.sock_sendall(guest, _ANSWER)

    def _remove_left_behind(self) -> None:
        try:
            mode = self.path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise StartError(f"{self.path} is there and no socket: move it away")
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(1)
            if knocking.connect_ex(os.fspath(self.path)) == 0:
                raise StartError(f"somebody listens on {self.path} already")
        self.path.unlink()


def private_folder(folder: Path) -> None:
    """Make it, for this user only. Raises StartError if it is somebody else's, or others may write there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StartError(f"cannot create {folder}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise StartError(f"{folder}: expected a folder of this user that others cannot write to")
