"""The file of API keys, read again whenever it has changed: keys come and go without a restart."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from agent_observability.errors import ConfigError
from agent_observability.intake.keys import Key, Keyring, read_keys
from agent_observability.workers import Workers

__all__ = ["KeyFile"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 15.0

_State = tuple[int, int, int, int] | None
"""Times of the last modification and of the last change (ns), inode and size; None where there is no file.

The change tells what was made readable since: its contents are the same as before.
"""


class KeyFile:
    """`problem` says why nobody, or not everybody, is let in; "" if all is well."""

    def __init__(self, file: Path, workers: Workers, *, look_seconds: float = _LOOK_SECONDS) -> None:
        self._file = file
        self._workers = workers
        self._look_seconds = look_seconds
        self._ring = Keyring({})
        self._seen: _State = None
        self.problem = ""

    @property
    def number(self) -> int:
        """How many keys are in force."""
        return len(self._ring)

    def find(self, header: str | None) -> Key | None:
        """Whose `Authorization` header this is."""
        return self._ring.find(header)

    async def read(self) -> None:
        """Raises ConfigError; then the keys stay as they were."""
        # Looked at before it is read: a file that changes meanwhile still counts as changed.
        self._seen = await self._workers.run(self._state)
        keys = await self._workers.run(lambda: read_keys(self._file))
        self._ring = Keyring(keys)
        self.problem = "" if keys else f"nobody is let in: no keys in {self._file}"
        if keys:
            log.info("%d API keys are in force", len(keys))
        else:
            log.warning("%s", self.problem)

    async def watch(self) -> None:
        """Read it whenever it changes, until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            if await self._workers.run(self._state) == self._seen:
                continue
            try:
                await self.read()
            except ConfigError as error:
                more = len(error.problems) - 1
                rest = f" (and {more} more)" if more else ""
                self.problem = f"changed keys are not used: {error.file}: {error.problems[0]}{rest}"
                log.error("%s", self.problem)
            except Exception:
                # The next change is still to be seen.
                self.problem = f"changed keys are not used: {self._file} cannot be read; see the log"
                log.exception("%s", self.problem)

    def _state(self) -> _State:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
