"""The lines of an audit log: which of them hold a record, and the fields of one.

Three formats are met, also mixed in one file: A, JSON objects with nested ones; B, a logger's lines with a flat object
behind `Credential request:`, between plain lines of the same logger; C, flat objects. Of what a grant carries
(`credential`: its type, prefix and hash) no struct has a field, so it is skipped and never becomes an object.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol, cast

import msgspec

from agent_observability.credential_proxy.texts import clean

__all__ = [
    "MAX_MILLISECONDS",
    "REQUEST",
    "Embedded",
    "Granted",
    "Said",
    "Typed",
    "embedded",
    "granted_decoder",
    "is_piece",
]

REQUEST: Final = "credential_request"
"""The event type that is counted, and what a line without one is."""
MAX_MILLISECONDS = 86_400_000.0
"""Nobody waits a day for an answer: that is an error of the writer, and would spoil every average."""


class Container(msgspec.Struct, gc=False):
    """Who asks, where that is known."""

    container_id: Annotated[str, msgspec.Meta(min_length=1)]


class Granted(Protocol):
    """What nearly every line is: a grant in format A of what the proxy is known to give."""

    timestamp: dt.datetime
    service: str
    operation: str
    requester: Container
    response_time_ms: float | None


def granted_decoder(services: Mapping[str, Collection[str]]) -> Callable[[bytes], Granted]:
    """Decodes grants of `services` and their operations. Whatever is unusual about a line makes it raise.

    Names that are known beforehand are looked up while they are decoded, and no text is made of them.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("timestamp", Annotated[dt.datetime, msgspec.Meta(tz=True)]),
        ("event_type", Literal[REQUEST]),
        ("service", _one_of(services)),
        ("operation", _one_of(itertools.chain.from_iterable(services.values()))),
        ("status", Literal["GRANTED"]),
        ("requester", Container),
        ("response_time_ms", Annotated[float, msgspec.Meta(ge=0, le=MAX_MILLISECONDS)] | None, None),
    ]
    return cast("Callable[[bytes], Granted]", msgspec.json.Decoder(msgspec.defstruct("Grant", fields, gc=False)).decode)


def _one_of(names: Iterable[str]) -> Any:
    # A name that would be cleaned is left to whoever does that.
    known = sorted({name for name in names if clean(name) == name})
    return Literal[tuple(known or ("",))]


class Requester(msgspec.Struct, gc=False):
    """Who asks, in format A."""

    pid: int | None = None
    container_id: str | None = None


class Typed(msgspec.Struct, gc=False):
    """A record of any format, with its fields in their usual types."""

    timestamp: dt.datetime
    event_type: str | None = None
    service: str | None = None
    operation: str | None = None
    status: str = ""
    requester: Requester | None = None
    rejection_reason: str | None = None
    response_time_ms: float | None = None
    requester_pid: int | None = None
    error: str | None = None
    container_id: str | None = None
    container: str | None = None
    requester_container_id: str | None = None


class Said(msgspec.Struct, gc=False):
    """The fields that a record may have, in whatever types they are."""

    timestamp: Any = None
    event_type: Any = None
    service: Any = None
    operation: Any = None
    status: Any = None
    requester: Any = None
    rejection_reason: Any = None
    response_time_ms: Any = None
    requester_pid: Any = None
    pid: Any = None
    error: Any = None
    error_code: Any = None
    reason: Any = None
    container_id: Any = None
    container: Any = None
    requester_container_id: Any = None


class Embedded(NamedTuple):
    """What a logger's line says: when ("" if it does not), and the record as it is in it."""

    time: str
    record: bytes


_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,20}(?!\d))?(?:\s?(?:Z|[+-]\d\d:?\d\d))?"
_LEVEL = rb"(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b"
_BETWEEN = rb"[\s|:\[\]()-]"
# Right behind the level, or a message that repeats what a client said could pass for a record. No two parts can begin
# alike: a line of many dashes would be tried in each way in which it can be divided between them.
_EMBEDDED = re.compile(
    rb"%(between)s{0,20}(?:(?P<time>%(time)s)%(between)s{0,10})?(?:(?!%(level)s)\w[\w.-]{0,99}%(between)s{1,10})?"
    rb"%(level)s%(between)s{1,10}Credential request:\s{0,10}(?P<record>.*)"
    % {b"between": _BETWEEN, b"time": _TIME, b"level": _LEVEL},
    re.IGNORECASE | re.DOTALL,
)
_LOGGED = re.compile(rb"[\s\[(]{0,10}(?:%s|%s)" % (_TIME, _LEVEL), re.IGNORECASE)


def embedded(line: bytes) -> Embedded | None:
    """The record of format B in a line; None if it holds none."""
    match = _EMBEDDED.fullmatch(line)
    return None if match is None else Embedded((match["time"] or b"").decode("ascii"), match["record"])


def is_piece(line: bytes) -> bool:
    """Whether a line that is no object, and holds none, is what is left of a record; plain lines are not."""
    if line[:1] in b'["-0123456789tfn':
        try:
            msgspec.json.decode(line, type=msgspec.Raw)
        except (ValueError, RecursionError):
            pass
        else:
            return True
    if b"\0" in line or not _is_text(line):
        return True
    # A logger's line may quote whatever it wants; what is indented goes on from the line before, as tracebacks do.
    if line[:1].isspace() or _LOGGED.match(line):
        return False
    return b'":' in line or line.rstrip().endswith(b"}")


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
