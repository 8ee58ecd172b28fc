"""JSON as it is sent: split into items without making more of them than a request may have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from agent_observability.intake.errors import RefusedError, Rejected

__all__ = ["Items", "Number", "array_items", "is_array", "is_plain", "lax", "lines", "surely_at_most"]

DecodedT = TypeVar("DecodedT")

_ARRAY = re.compile(rb"[ \t\r\n]*+\[")
_SPACE = re.compile(r"[ \t\r\n]*+")
_BETWEEN = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
# From what is no space to the end of its line: blank lines are none.
_LINE = re.compile(rb"[^ \t\r\n][^\n]*+")


@dataclass(slots=True)
class Items(Generic[DecodedT]):
    """What a JSON request holds: the items that could be decoded, with their indexes, and those that could not.

    `backfill`: they are history, late on purpose. `plain`: all their texts are known to be printable ASCII.
    """

    values: list[DecodedT]
    indexes: Sequence[int]
    rejected: list[Rejected] = field(default_factory=list)
    backfill: bool = False
    plain: bool = False

    @property
    def number(self) -> int:
        return len(self.values) + len(self.rejected)


class Number(str):
    """A number as it was written; also NaN and the infinities, which are none."""

    __slots__ = ()

    @property
    def is_one(self) -> bool:
        return self not in ("NaN", "Infinity", "-Infinity")


# Python's own parser takes what other libraries write for NaN, and says where an item ends.
_LAX = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def lax(item: bytes) -> Any:
    """An item with its numbers as they are written. Raises ValueError, RecursionError."""
    return _LAX.decode(item.decode())


def is_plain(body: bytes) -> bool:
    """Whether no text in a JSON document can hold anything but printable ASCII: nothing else is there, nor escaped."""
    return body.isascii() and b"\\" not in body and b"\x7f" not in body


def is_array(body: bytes) -> bool:
    """Whether it begins as one."""
    return _ARRAY.match(body) is not None


def surely_at_most(body: bytes, most: int) -> bool:
    """Whether an array has no more than `most` objects; False where that is not sure at a glance."""
    if body.count(b"{") <= most:
        return True
    return all(number < most for number, _ in enumerate(_BETWEEN.finditer(body), start=1))


def lines(body: bytes, most: int) -> Iterator[bytes]:
    """Those that are not blank. Raises RefusedError for more than `most`."""
    for number, match in enumerate(_LINE.finditer(body)):
        if number >= most:
            raise _too_many(most)
        yield match[0]


def array_items(body: bytes, most: int) -> Iterator[bytes]:
    """The text of each item of an array, one after the other.

    Raises RefusedError for more than `most`, and for what is no array even to a lenient reader.
    """
    # One character for each byte, so that positions are the same; outside of strings all of them are ASCII anyway.
    text = body.decode("latin-1")
    number = 0
    at = _skip(text, text.index("[") + 1)
    closed = text.startswith("]", at)
    while not closed:
        if number >= most:
            raise _too_many(most)
        try:
            _, end = _LAX.raw_decode(text, at)
        except RecursionError:
            raise _broken(f"item {number} is nested too deeply") from None
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise _broken(f"item {number}: {reason}") from None
        yield body[at:end]
        number += 1
        at = _skip(text, end)
        closed = text.startswith("]", at)
        if not closed:
            if not text.startswith(",", at):
                raise _broken(f"expected a comma or ] after item {number - 1}")
            at = _skip(text, at + 1)
    if _skip(text, at + 1) < len(text):
        raise _broken("expected nothing after the array")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _too_many(most: int) -> RefusedError:
    return RefusedError(413, "too_large", f"a request may have {most:,} items")


def _broken(reason: str) -> RefusedError:
    return RefusedError(400, "invalid", f"no valid JSON: {reason}")
