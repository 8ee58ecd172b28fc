"""What becomes of requests and items that are not accepted."""

from __future__ import annotations

import msgspec

__all__ = ["RefusedError", "Rejected"]


class Rejected(msgspec.Struct, frozen=True):
    """One item that is not stored: which of the request, the field that is wrong, and what was expected."""

    index: int
    field: str
    reason: str


class RefusedError(Exception):
    """The whole request is not accepted. `result` is how metrics call that; `seconds` after which to try again."""

    def __init__(self, status: int, result: str, reason: str, *, field: str = "", seconds: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.result = result
        self.reason = reason
        self.field = field
        self.seconds = seconds
