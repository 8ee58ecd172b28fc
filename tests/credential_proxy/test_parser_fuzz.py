"""Arbitrary bytes, and records that something has happened to: never an error, and never another count than a slow
reference makes, which is written from the description of the formats alone.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.metrics import REASONS, REJECTIONS, REQUESTS, RESPONSE_DURATION, STATUSES
from agent_observability.credential_proxy.parser import Malformed, Parser
from agent_observability.credential_proxy.reader import AuditReader
from agent_observability.credential_proxy.record import Record
from agent_observability.ledger.batch import Count
from tests.credential_proxy.records import HASH, PREFIX, SERVICES, UTC, format_a, format_b, format_c, make
from tests.support import examples

BEGIN = 1_763_028_000.0
MADE = [
    one.line
    for writers in ((format_a,), (format_b,), (format_c,))
    for one in make(60, begin=BEGIN, seconds=3_600, writers=writers, seed=7)
] + [one.line for one in make(2_000, begin=BEGIN, seconds=3_600, seed=8) if one.record.status != "granted"]
STATUS = {"GRANTED": "granted", "REJECTED": "rejected", "ERROR": "error", "FAILED_TO_RETRIEVE": "error"}
TEXTS = {
    "missing service or operation": "invalid_request",
    "unknown service": "unknown_service",
    "operation not allowed": "operation_not_allowed",
    "rate limit exceeded": "rate_limit_exceeded",
    "resource not allowed": "resource_not_allowed",
}
CODES = {text.replace(" ", "_"): reason for text, reason in TEXTS.items()}


def reference(line: bytes) -> Record | str:
    """A record of whatever format; "ignored", "malformed", or "untimed" for one whose time is none of the forms that
    these tests write; "" for a line that neither is nor holds an object.
    """
    text = line.decode("utf-8", "replace")
    own: float | None = None
    if not text.lstrip(" \t\r\n\ufeff").startswith("{"):
        match = re.fullmatch(
            r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) \[(?:INFO|WARNING)\] Credential request: (.*)",
            text,
            re.DOTALL | re.ASCII,
        )
        if match is None:
            return ""
        own = moment(f"{match[1]}.{match[2]}")
        text = match[3]
    try:
        fields = json.loads(text.lstrip("\ufeff"), strict=False, parse_constant=lambda _: None, parse_int=whole)
    except (ValueError, RecursionError):
        return "malformed"
    if not isinstance(fields, dict):
        return "malformed"
    kind = fields.get("event_type")
    if kind not in (None, "") and not (isinstance(kind, str) and own_name(kind) == "CREDENTIAL_REQUEST"):
        return "ignored"
    said = fields.get("status")
    status = STATUS.get(own_name(said)) if isinstance(said, str) else None
    if status is None:
        return "malformed"
    at = moment(fields.get("timestamp"))
    if at is None:
        at = own
    if at is None:
        return "untimed"
    reason = {"granted": "", "error": "internal_error"}.get(status)
    if reason is None:
        words = [fields.get(name) for name in ("rejection_reason", "error", "reason", "error_code")]
        heads = [word.split(":")[0].lower() for word in words if isinstance(word, str)]
        reason = next((found for head in heads if (found := TEXTS.get(head) or CODES.get(head))), "other")
    return Record(
        at, name(fields.get("service")), name(fields.get("operation")), status, reason, who(fields), took(fields)
    )


def own_name(said: str) -> str:
    return said.strip().upper().replace("-", "_").replace(" ", "_").replace(".", "_")


def whole(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)


def number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


def moment(said: Any) -> float | None:
    """Of the times that are written here; in UTC, which is the zone of these tests."""
    if number(said):
        seconds = said / 1_000 if 1e11 <= said < 1e14 else said
        return seconds if 946_684_800 <= seconds < 4_102_444_800 else None
    form = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?"
    if not isinstance(said, str) or not re.fullmatch(form, said, re.ASCII):
        return None
    try:
        parsed = dt.datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=dt.UTC)
    return parsed.timestamp() if 2000 <= parsed.astimezone(dt.UTC).year < 2100 else None


def name(said: Any) -> str:
    said = str(said) if number(said) else said
    if not isinstance(said, str):
        return ""
    return "".join(one if one.isprintable() else " " for one in said[:200])


def who(fields: dict[str, Any]) -> str:
    requester = fields.get("requester")
    inner = (
        requester if isinstance(requester, dict) else {"container_id": requester if isinstance(requester, str) else ""}
    )
    for said in (
        inner.get("container_id"),
        inner.get("container"),
        fields.get("container_id"),
        fields.get("container"),
        fields.get("requester_container_id"),
    ):
        if named := name(said):
            return named
    for said in (inner.get("pid"), fields.get("requester_pid"), fields.get("pid")):
        if re.fullmatch(r"\d{1,20}", digits := name(said), re.ASCII):
            return f"pid:{digits}"
    return ""


def took(fields: dict[str, Any]) -> float | None:
    said = fields.get("response_time_ms")
    if isinstance(said, str) and re.fullmatch(r"\d+(\.\d+)?", said, re.ASCII):
        said = float(said)
    return said / 1_000 if number(said) and 0 <= said <= 86_400_000 else None


def same(found: Record, expected: Record) -> bool:
    return found == pytest.approx(expected, abs=2e-6)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**3), 10**13),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e3, max_value=1e9).map(lambda value: round(value, 3)),
    st.text(max_size=12),
    st.sampled_from(["", "GRANTED", "rejected", "ERROR", "github", "push", "credential_request", "7", "12.5"]),
    st.sampled_from(
        ["2025-11-13T10:15:30Z", "2025-11-13T10:15:30.25+02:00", "RATE_LIMIT_EXCEEDED", "Unknown service: x"]
    ),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=4), SCALARS, max_size=2))
# What a grant carries is left alone: whoever writes a credential into a service's name publishes it himself.
FIELDS = (
    *("version", "timestamp", "event_type", "request_id", "service", "operation", "resource", "status", "requester"),
    *("rejection_reason", "response_time_ms", "requester_pid", "pid", "error", "error_code", "reason"),
    *("container_id", "container", "requester_container_id", "validation"),
)


@st.composite
def retyped(draw: st.DrawFn) -> bytes:
    """A record with fields dropped, added, exchanged, or of other types."""
    line = draw(st.sampled_from(MADE))
    begin = line.index(b"{")
    fields = json.loads(line[begin:])
    for _ in range(draw(st.integers(1, 3))):
        field = draw(st.sampled_from(FIELDS))
        match draw(st.integers(0, 3)):
            case 0:
                fields.pop(field, None)
            case 1:
                fields[field] = draw(VALUES)
            case 2 if isinstance(fields.get("requester"), dict):
                fields["requester"][draw(st.sampled_from(("pid", "container_id", "container")))] = draw(VALUES)
            case _:
                other = draw(st.sampled_from(FIELDS))
                fields[field], fields[other] = fields.get(other), fields.get(field)
    names = list(fields)
    if draw(st.booleans()):
        names = draw(st.permutations(names))
    return line[:begin] + json.dumps({one: fields[one] for one in names}, ensure_ascii=draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A record whose bytes have been cut, doubled, flipped, or mixed with others."""
    line = bytearray(draw(st.sampled_from(MADE)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(line) - 1)))
        until = draw(st.integers(at, min(len(line), at + 40)))
        match draw(st.integers(0, 5)):
            case 0:
                del line[at:]
            case 1:
                del line[:at]
            case 2:
                line[at:at] = line[at:until]
            case 3 if line:
                line[at] ^= 1 << draw(st.integers(0, 7))
            case 4:
                line[at:until] = draw(st.binary(max_size=8))
            case _:
                line[at:at] = draw(st.sampled_from(MADE))
    return bytes(line).replace(b"\n", b" ")


@settings(max_examples=examples(600), deadline=None)
@given(retyped())
def test_records_of_other_types_are_read_as_the_reference_does(line: bytes) -> None:
    expected = reference(line)
    found = Parser(SERVICES, UTC).parse(line)
    event("record" if isinstance(expected, Record) else expected)
    if isinstance(expected, Record):
        assert isinstance(found, Record) and same(found, expected)
    else:
        assert not isinstance(found, Record)
        assert (found is None) == (expected == "ignored")


@settings(max_examples=examples(600), deadline=None)
@given(damaged())
def test_damaged_records_are_read_as_the_reference_does(line: bytes) -> None:
    expected = reference(line)
    found = Parser(SERVICES, UTC).parse(line)
    event("record" if isinstance(expected, Record) else expected)
    if isinstance(expected, Record):
        # A text or a time with a dent may still be understood, and more of them than the reference knows.
        loose = {"timestamp": 0.0, "reason": ""}
        assert isinstance(found, Record) and same(found._replace(**loose), expected._replace(**loose))
    elif expected == "ignored":
        assert found is None
    elif expected == "malformed":
        assert found in (Malformed.JSON, Malformed.STATUS)
    elif expected == "untimed":
        assert isinstance(found, Record) or found is Malformed.TIMESTAMP


@settings(max_examples=examples(500), deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
    )
)
@example([b"{", b"}", b"\0", b"", b"{}", b"[]", b'""', b'{"status":"GRANTED","timestamp":1e400}'])
@example([b'{"a":' * 5_000])
def test_arbitrary_bytes(lines: list[bytes]) -> None:
    parsed = Parser(SERVICES, UTC).read(lines)
    assert len(parsed.records) + parsed.ignored + parsed.malformed.total() == len(lines)
    assert all(isinstance(why, Malformed) for why in parsed.malformed)


@settings(max_examples=examples(250), deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MADE), retyped(), damaged(), st.binary(max_size=60)), max_size=40))
def test_all_of_a_log(lines: list[bytes]) -> None:
    """Each record says what it may, no credential is in it, and counts are those of the records."""
    parsed = Parser(SERVICES, UTC).read(lines, BEGIN + 3_600)
    assert len(parsed.records) + parsed.ignored + parsed.malformed.total() == len(lines)
    for record in parsed.records:
        assert record.status in STATUSES
        assert record.reason == "" if record.status == "granted" else record.reason in REASONS
        assert max(map(len, (record.service, record.operation, record.container))) <= 200
        assert record.duration is None or 0 <= record.duration <= 86_400
        assert record.timestamp <= BEGIN + 3_600 + 86_400


class Watching:
    """A detector that remembers what it is told and finds what it is given."""

    def __init__(self) -> None:
        self.counts: list[Count] = []
        self.events: list[Any] = []
        self.seen: list[Record] = []

    def see(self, records: Any) -> Watching:
        self.seen += records
        return self

    def restore(self, facts: Any) -> None:
        self.seen = []


@settings(max_examples=examples(250), deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MADE), retyped()), max_size=60), st.integers(1, 20))
def test_counters_are_the_references(lines: list[bytes], together: int) -> None:
    config = CredentialProxyConfig()
    detector = Watching()
    reader = AuditReader(config, detector, load=lambda _kind: {}, delayed=lambda _s: None, clock=lambda: BEGIN + 1e9)
    reader.restore()
    counted: dict[tuple[str, ...], dict[int, int]] = {}
    verdicts = [0, 0, 0]
    for at in range(0, len(lines), together):
        taken = reader.take("audit.log", lines[at : at + together])
        verdicts = [a + b for a, b in zip(verdicts, (taken.parsed, taken.ignored, taken.malformed), strict=True)]
        for count in taken.counts:
            steps = counted.setdefault((count.metric.name, *count.labels), {})
            for slot, amount in count.steps:
                steps[slot] = steps.get(slot, 0) + amount
        assert HASH not in repr(taken) and PREFIX not in repr(taken)
    expected: dict[tuple[str, ...], dict[int, int]] = {}
    judged = [reference(line) for line in lines]
    for record in judged:
        if isinstance(record, Record):
            service = record.service if record.service in config.services else "other"
            operation = record.operation if record.operation in config.services.get(service, []) else "other"
            add(expected, (REQUESTS.name, service, operation, record.status), 0, 1)
            if record.reason:
                add(expected, (REJECTIONS.name, service, record.reason), 0, 1)
            if record.duration is not None:
                key = (RESPONSE_DURATION.name, service)
                add(expected, key, sum(record.duration > edge for edge in RESPONSE_DURATION.buckets), 1)
                add(expected, key, 13, round(record.duration * 1_000_000))
    assert counted == expected
    assert verdicts == [
        sum(isinstance(one, Record) for one in judged),
        judged.count("ignored"),
        judged.count("malformed") + judged.count("untimed"),
    ]
    assert len(detector.seen) == verdicts[0]
    assert HASH not in repr(detector.seen) and PREFIX not in repr(detector.seen)


def add(sums: dict[tuple[str, ...], dict[int, int]], key: tuple[str, ...], slot: int, amount: int) -> None:
    steps = sums.setdefault(key, {13: 0} if key[0] == RESPONSE_DURATION.name else {})
    steps[slot] = steps.get(slot, 0) + amount
