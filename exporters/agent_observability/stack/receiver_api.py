"""Reads the local receiver."""

from __future__ import annotations

import aiohttp
import msgspec

from agent_observability.stack.notifications import Notification

__all__ = ["ReceiverApi", "ReceiverError"]


class ReceiverError(Exception):
    """The receiver did not answer. The message is one line."""


class _Answer(msgspec.Struct):
    last: int
    notifications: list[Notification]


class ReceiverApi:
    """One receiver. Its method raises ReceiverError."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def after(self, last: int, seconds: float = 0.0) -> list[Notification]:
        """Notifications newer than `last`, oldest first; waits up to `seconds` (at most 60) for the first."""
        timeout = aiohttp.ClientTimeout(total=seconds + 5.0)
        parameters = {"after": str(last), "timeout": f"{seconds:.3f}"}
        try:
            async with self._session.get(f"{self._url}/notifications", params=parameters, timeout=timeout) as response:
                response.raise_for_status()
                return msgspec.json.decode(await response.read(), type=_Answer).notifications
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise ReceiverError(f"the receiver does not answer: {error or type(error).__name__}") from error
