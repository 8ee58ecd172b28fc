"""The memory that bodies of requests may take together."""

from __future__ import annotations

from agent_observability.intake.errors import RefusedError

__all__ = ["Room", "Share"]

_SECONDS = 1


class Room:
    """`most` bytes for all requests under way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = 0

    @property
    def used(self) -> int:
        return self._used

    def grow(self, size: int) -> None:
        """Raises RefusedError where there is no room for `size` more bytes; negative gives some back."""
        if size > 0 and self._used + size > self._most:
            reason = f"the requests under way hold {self._used:,} of {self._most:,} bytes"
            raise RefusedError(429, "rate_limited", reason, seconds=_SECONDS)
        self._used += size


class Share:
    """What one request holds; given back at the end of a `with`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def hold(self, size: int) -> None:
        """From now on `size` bytes. Raises RefusedError; then it is what it was."""
        self._room.grow(size - self._size)
        self._size = size

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self.hold(0)
