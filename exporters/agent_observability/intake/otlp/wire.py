"""Protobuf's wire format, as far as the envelopes of OTLP go.

Envelopes are walked here and only items are given to protobuf, one by one: an item that is broken loses no other, and a
body of a few megabytes that claims millions of empty messages is refused before it fills the memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from agent_observability.intake.otlp.errors import OtlpError

__all__ = ["Field", "Shape", "check_weight", "joined", "parts"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10

# What is smaller cannot hold enough to matter.
_LIGHT_BYTES = 64 * 1024
_MAX_FIELDS = 50_000

Shape = dict[int, "Shape"]
"""Which fields of a message are messages, and of which shape."""


class Field(NamedTuple):
    """`value` is the number of a varint; `start` and `end` are where the content of any other field is."""

    number: int
    value: int
    start: int
    end: int


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of the message at `data[start:end]`. Raises OtlpError on the way for what is no protobuf."""
    at = start
    try:
        while at < end:
            tag = data[at]
            at += 1
            if tag >= 0x80:
                tag, at = _varint(data, at - 1)
            kind = tag & 7
            value = 0
            if kind == _BYTES:
                size = data[at]
                at += 1
                if size >= 0x80:
                    size, at = _varint(data, at - 1)
                begin, at = at, at + size
            elif kind == _VARINT:
                begin = at
                value, at = _varint(data, at)
            elif kind in (_FIXED64, _FIXED32):
                begin, at = at, at + (8 if kind == _FIXED64 else 4)
            else:
                raise OtlpError("", f"expected protobuf, got the wire type {kind}")
            if at > end or tag >> 3 == 0:
                at = end + 1
                break
            yield Field(tag >> 3, value, begin, at)
    except IndexError:
        at = end + 1
    if at != end:
        raise OtlpError("", "expected protobuf, got something else or only a part")


def parts(data: bytes, start: int, end: int, most: int = _MAX_FIELDS) -> list[Field]:
    """The fields of a message that may have at most so many. Raises OtlpError."""
    found = list(itertools.islice(fields(data, start, end), most + 1))
    if len(found) > most:
        raise OtlpError("", f"expected at most {most:,} fields in one message")
    return found


def joined(data: bytes, start: int, end: int, number: int) -> bytes:
    """The content of the message field `number`; where it stands several times, protobuf takes them as one."""
    return b"".join([data[field.start : field.end] for field in parts(data, start, end) if field.number == number])


def check_weight(data: bytes, shape: Shape) -> None:
    """Raise OtlpError for a message of so many parts that its size says nothing of the memory it would take."""
    if len(data) <= _LIGHT_BYTES:
        return
    weight = 0
    waiting = [(0, len(data), shape)]
    while waiting:
        start, end, inside = waiting.pop()
        for field in fields(data, start, end):
            weight += 1
            if weight > _MAX_FIELDS:
                raise OtlpError("", f"expected at most {_MAX_FIELDS:,} fields in one item")
            inner = inside.get(field.number)
            if inner is not None:
                waiting.append((field.start, field.end, inner))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_MAX_VARINT):
        byte = data[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise OtlpError("", "expected protobuf, got a number that does not end")
