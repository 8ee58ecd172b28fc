"""Lines of the audit log as records, whatever format each of them has. Pure, but for the time of the record before.

Nearly every line is a grant in format A, which is decoded and checked in one go. All other usual records take one more
step, and what is odd about its fields goes the slow way of `odd`. Each understands more than the one before, and says
the same of all that that one understands.
"""

from __future__ import annotations

import enum
import math
import zoneinfo
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from agent_observability.credential_proxy.formats import (
    REQUEST,
    Embedded,
    Granted,
    Typed,
    embedded,
    granted_decoder,
    is_piece,
)
from agent_observability.credential_proxy.odd import (
    container_of,
    duration_of,
    event_type_of,
    rejection_of,
    text_of,
    understand,
)
from agent_observability.credential_proxy.reasons import STATUSES_SAID, reason_said, status_of
from agent_observability.credential_proxy.record import Record, Records
from agent_observability.credential_proxy.texts import Texts
from agent_observability.credential_proxy.times import NEWEST, OLDEST, Times

__all__ = ["AHEAD_SECONDS", "Malformed", "Parsed", "Parser"]

AHEAD_SECONDS = 86_400.0
"""A record that is further ahead of the clock than this is counted as one of now."""

_MAX_PID = 10**20
_BOM = b"\xef\xbb\xbf"

_typed = msgspec.json.Decoder(Typed).decode


class Malformed(enum.Enum):
    """Why a line that looks like a record is none. Said without any of its text, which may hold credentials."""

    JSON = "expected one JSON object"
    STATUS = f"expected a status, one of {', '.join(STATUSES_SAID)}"
    TIMESTAMP = "expected a timestamp of the years 2000 to 2099, such as 2025-11-13T10:15:30Z"
    PIECE = "expected a whole record or a line of a logger, this is a piece of one or damaged"


@dataclass(slots=True)
class Parsed:
    """What lines have become: records in their order, and how many were which of the others."""

    records: Records = field(default_factory=Records)
    ignored: int = 0
    malformed: Counter[Malformed] = field(default_factory=Counter)


class Parser:
    """Of logs whose naive local times are those of `zone`. For one thread at a time.

    What is asked for need not be one of `services` and their operations; it is read faster if it is.

    `previous` is the time of the last record, by which ambiguous local times are told apart: to be set when reading
    goes on from somewhere else.
    """

    def __init__(self, services: Mapping[str, Collection[str]], zone: zoneinfo.ZoneInfo) -> None:
        self._decode = granted_decoder(services)
        self._times = Times(zone)
        self._texts = Texts()

    @property
    def previous(self) -> float | None:
        return self._times.previous

    @previous.setter
    def previous(self, time: float | None) -> None:
        self._times.previous = time

    def parse(self, line: bytes) -> Record | Malformed | None:
        """What a line is; None is a line that is to be ignored. Never raises."""
        parsed = self.read((line,))
        return next(iter(parsed.records), None) or next(iter(parsed.malformed), None)

    def read(self, lines: Sequence[bytes], now: float = math.inf) -> Parsed:
        """All lines. A record that is more than `AHEAD_SECONDS` later than `now` gets `now` as its time."""
        parsed = Parsed()
        decode, times = self._decode, self._times
        grants: list[Granted] = []
        moments: list[float] = []
        others: list[tuple[int, Record]] = []
        ahead = now + AHEAD_SECONDS
        newest = min(ahead, NEWEST)
        for line in lines:
            try:
                said = decode(line)
            except (ValueError, RecursionError):
                pass
            else:
                seconds = said.timestamp.timestamp()
                if OLDEST <= seconds < newest:
                    times.previous = seconds
                    moments.append(seconds)
                    grants.append(said)
                    continue
            record = self._other(line)
            if isinstance(record, Record):
                if record.timestamp > ahead:
                    record = record._replace(timestamp=now)
                times.previous = record.timestamp
                others.append((len(grants) + len(others), record))
            elif record is None:
                parsed.ignored += 1
            else:
                parsed.malformed[record] += 1
        records = parsed.records = self._granted(moments, grants)
        for at, record in others:
            records.insert(at, record)
        return parsed

    def _granted(self, moments: list[float], grants: Sequence[Granted]) -> Records:
        """Grants, column by column: no object is made for each of them."""
        texts = self._texts
        records = Records()
        records.timestamps = moments
        records.services = [said.service for said in grants]
        records.operations = [said.operation for said in grants]
        records.statuses = ["granted"] * len(grants)
        records.reasons = [""] * len(grants)
        records.containers = [texts[said.requester.container_id] for said in grants]
        taken = [said.response_time_ms for said in grants]
        records.durations = [None if one is None else one / 1_000 for one in taken]
        return records

    def _usual(self, said: Typed) -> Record | None:
        """The record where nothing about it is odd, else None."""
        if said.event_type not in (None, REQUEST):
            return None
        status = STATUSES_SAID.get(said.status)
        if status == "rejected":
            reason = reason_said(said.rejection_reason or said.error or "")
        else:
            reason = "internal_error" if status == "error" else ""
        requester = said.requester
        container = _process(said) if requester is None else requester.container_id
        seconds = self._times.unix(said.timestamp)
        if status is None or (status == "rejected" and not reason) or not container or seconds is None:
            return None
        texts = self._texts
        return Record(
            seconds,
            texts[said.service or ""],
            texts[said.operation or ""],
            status,
            reason,
            texts[container],
            duration_of(said.response_time_ms),
        )

    def _other(self, line: bytes) -> Record | Malformed | None:
        """A line that is no usual grant."""
        if line[:1] == b"{":
            return self._object(line)
        found = embedded(line)
        if found is not None:
            return self._object(found.record, found)
        rest = line.removeprefix(_BOM).lstrip()
        if rest[:1] == b"{":
            return self._object(rest)
        return Malformed.PIECE if is_piece(line) else None

    def _object(self, record: bytes, within: Embedded | None = None) -> Record | Malformed | None:
        try:
            said = _typed(record)
        except (ValueError, RecursionError):
            return self._odd(record, within)
        return self._usual(said) or self._odd(record, within)

    def _odd(self, record: bytes, within: Embedded | None = None) -> Record | Malformed | None:
        said = understand(record)
        if said is None:
            return Malformed.JSON
        if event_type_of(said.event_type) not in (None, REQUEST):
            return None
        status = status_of(said.status)
        if not status:
            return Malformed.STATUS
        seconds = self._times.read(said.timestamp)
        if seconds is None and within is not None:
            seconds = self._times.read(within.time)
        if seconds is None:
            return Malformed.TIMESTAMP
        texts = self._texts
        reason = {"granted": "", "error": "internal_error"}.get(status)
        return Record(
            seconds,
            texts[text_of(said.service)],
            texts[text_of(said.operation)],
            status,
            rejection_of(said) if reason is None else reason,
            texts[container_of(said)],
            duration_of(said.response_time_ms),
        )


def _process(said: Typed) -> str | None:
    """Who asked where no requester is told: the process, "" for nobody, None where it is told in an odd place."""
    if said.container_id or said.container or said.requester_container_id:
        return None
    pid = said.requester_pid
    if pid is None:
        return None
    return f"pid:{pid}" if 0 <= pid < _MAX_PID else None
