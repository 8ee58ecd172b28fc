"""Lines of all formats, as documented and odd: what each is read as."""

from __future__ import annotations

import json
import zoneinfo
from typing import Any

import pytest

from agent_observability.credential_proxy.metrics import REASONS
from agent_observability.credential_proxy.parser import AHEAD_SECONDS, Malformed, Parser
from agent_observability.credential_proxy.reasons import reason_of, reason_said, status_of
from agent_observability.credential_proxy.record import Record
from agent_observability.credential_proxy.texts import MAX_CHARACTERS, Texts, clean
from tests.credential_proxy.records import (
    HASH,
    PREFIX,
    SERVICES,
    UTC,
    fields_a,
    fields_c,
    format_a,
    format_b,
    format_c,
    make,
)

AT = 1_763_028_930.123456  # 2025-11-13T10:15:30.123456Z
GRANTED = Record(AT, "github", "clone", "granted", "", "c0ffee123456", 0.002)
REJECTED = Record(AT, "aws", "read", "rejected", "unknown_service", "c0ffee123456", 0.002)
FLAT = Record(AT, "github", "clone", "granted", "", "pid:4711", None)
# A field of a type that nobody expects, of which nothing is taken: what is behind it is read the slow way.
ODD = b'{"requester_pid":[],'


def parse(line: bytes | str, zone: str = "UTC") -> Record | Malformed | None:
    return Parser(SERVICES, zoneinfo.ZoneInfo(zone)).parse(line.encode() if isinstance(line, str) else line)


def changed(**changes: Any) -> bytes:
    """A record of format A in which some fields are others; None for a field that is not there."""
    fields = fields_a(GRANTED) | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def rejected(**changes: Any) -> bytes:
    fields = fields_a(REJECTED) | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (format_a(GRANTED), GRANTED),
        (format_a(REJECTED), REJECTED),
        (format_b(FLAT), FLAT),
        (format_c(FLAT), FLAT),
        (
            format_b(FLAT._replace(status="error", reason="internal_error")),
            FLAT._replace(status="error", reason="internal_error"),
        ),
        (format_c(FLAT._replace(status="rejected", reason="other")), FLAT._replace(status="rejected", reason="other")),
        (
            '{"timestamp":"2025-11-13T10:15:30.123456","service":"anthropic","operation":"api_call",'
            '"status":"FAILED_TO_RETRIEVE","requester_pid":7}',
            Record(AT, "anthropic", "api_call", "error", "internal_error", "pid:7", None),
        ),
        (
            '2025-11-13 10:15:31,000 [WARNING] Credential request: {"timestamp": "2025-11-13T10:15:30.123456",'
            ' "service": "aws", "operation": "read", "status": "REJECTED", "requester_pid": 7,'
            ' "error": "Unknown service: aws"}',
            Record(AT, "aws", "read", "rejected", "unknown_service", "pid:7", None),
        ),
    ],
    ids=lambda value: "" if isinstance(value, Record) else None,
)
def test_formats(line: bytes | str, record: Record) -> None:
    assert parse(line) == record


def test_formats_mixed_in_one_file() -> None:
    made = list(make(3_000, begin=AT, seconds=3_600, writers=(format_a, format_b, format_c)))
    parsed = Parser(SERVICES, UTC).read([one.line for one in made])
    assert list(parsed.records) == [one.record for one in made]
    assert (parsed.ignored, parsed.malformed.total()) == (0, 0)


@pytest.mark.parametrize(
    "record",
    [
        GRANTED,
        REJECTED,
        GRANTED._replace(status="error", reason="internal_error"),
        REJECTED._replace(reason="rate_limit_exceeded"),
    ],
)
def test_the_slow_way_says_the_same(record: Record) -> None:
    line = format_a(record)
    assert parse(ODD + line[1:]) == parse(line) == record


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "granted"}, {}),
        ({"status": " Granted "}, {}),
        ({"status": "failed-to-retrieve"}, {"status": "error", "reason": "internal_error"}),
        ({"response_time_ms": "2"}, {}),
        ({"response_time_ms": 2.5}, {"duration": 0.0025}),
        ({"response_time_ms": "2.5e0"}, {"duration": 0.0025}),
        ({"response_time_ms": 0}, {"duration": 0.0}),
        ({"response_time_ms": -1}, {"duration": None}),
        ({"response_time_ms": "-1"}, {"duration": None}),
        ({"response_time_ms": "soon"}, {"duration": None}),
        ({"response_time_ms": "nan"}, {"duration": None}),
        ({"response_time_ms": float("nan")}, {"duration": None}),
        ({"response_time_ms": float("inf")}, {"duration": None}),
        ({"response_time_ms": True}, {"duration": None}),
        ({"response_time_ms": 86_400_001}, {"duration": None}),
        ({"response_time_ms": 10**400}, {"duration": None}),
        ({"response_time_ms": None}, {"duration": None}),
        ({"requester": {"container_id": "c0ffee123456"}}, {}),
        ({"requester": {"container": "c0ffee123456"}}, {}),
        ({"requester": None, "container_id": "c0ffee123456"}, {}),
        ({"requester": {"pid": 7}, "container_id": "c0ffee123456"}, {}),
        ({"requester": None, "container": "c0ffee123456"}, {}),
        ({"requester": None, "requester_container_id": "c0ffee123456", "requester_pid": 7}, {}),
        ({"requester": "c0ffee123456"}, {}),
        ({"requester": {"pid": 7}}, {"container": "pid:7"}),
        ({"requester": {"pid": "7", "container_id": ""}}, {"container": "pid:7"}),
        ({"requester": {"pid": 7, "container_id": 12}}, {"container": "12"}),
        ({"requester": None, "pid": 7}, {"container": "pid:7"}),
        ({"requester": None, "requester_pid": -7}, {"container": ""}),
        ({"requester": None, "requester_pid": 10**30}, {"container": ""}),
        ({"requester": None}, {"container": ""}),
        ({"requester": []}, {"container": ""}),
        ({"requester": {"pid": True, "container_id": False}}, {"container": ""}),
        ({"service": None}, {"service": ""}),
        ({"operation": None}, {"operation": ""}),
        ({"service": 7}, {"service": "7"}),
        ({"service": ["github"]}, {"service": ""}),
        ({"service": "g" * 300}, {"service": "g" * 200}),
        ({"service": "git\nhub\x00\u202e\ud800"}, {"service": "git hub   "}),
        ({"event_type": None}, {}),
        ({"event_type": ""}, {}),
        ({"event_type": "Credential-Request"}, {}),
        ({"surplus": {"of": [1, 2, {"any": None}]}}, {}),
        ({"timestamp": "2025-11-13T11:15:30.123456+01:00"}, {}),
        ({"timestamp": "2025-11-13 10:15:30.123456+0000"}, {}),
        ({"timestamp": "2025-11-13T10:15:30,123456Z"}, {}),
        ({"timestamp": AT}, {}),
        ({"timestamp": str(AT)}, {}),
        ({"timestamp": round(AT * 1e6)}, {}),
    ],
)
def test_odd_fields(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    fields = {name: value for name, value in (fields_a(GRANTED) | changes).items() if value is not None}
    nulls = fields_a(GRANTED) | changes
    for one in (fields, nulls):
        assert parse(json.dumps(one)) == pytest.approx(GRANTED._replace(**expected), abs=1e-6)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (format_a(GRANTED).replace(b'"service":', b'"service":"aws","service":'), {}),
        (format_a(GRANTED).replace(b'"service":', b'"service":null,"service":'), {}),
        (format_a(GRANTED).replace(b'"container_id":', b'"container_id":7,"container_id":'), {}),
        (format_a(GRANTED).replace(b"github", b"git\xffhub"), {"service": "git\ufffdhub"}),
        (format_a(GRANTED).replace(b"acme", b"ac\xffme"), {}),
        (format_a(GRANTED).replace(b"acme", b"ac\x01me"), {}),
        (format_a(GRANTED).replace(b"acme", b"ac\\udc80me"), {}),
        (format_a(GRANTED).replace(b"github", b"\\udc80hub"), {"service": " hub"}),
        (b"\xef\xbb\xbf" + format_a(GRANTED), {}),
        (b" \t" + format_a(GRANTED) + b" ", {}),
    ],
)
def test_odd_bytes(line: bytes, expected: dict[str, Any]) -> None:
    assert parse(line) == GRANTED._replace(**expected)


@pytest.mark.parametrize(
    "line",
    [
        changed(event_type="proxy_started"),
        changed(event_type="credential_requests"),
        changed(event_type=7),
        b'{"event_type":"proxy_started","timestamp":"2025-11-13T10:15:30Z","listening":["/run/proxy.sock"]}',
        b'2025-11-13 10:15:30,123 [INFO] Credential request: {"event_type":"proxy_started"}',
        b"",
        b"   ",
        b"2025-11-13 10:15:30,123 [INFO] Listening on /run/proxy.sock",
        b"2025-11-13 10:15:30,123 [WARNING] The store answers {'status': 503}",
        b'2025-11-13 10:15:30,123 [WARNING] The store says {"status": "GRANTED", "timestamp": "2025-11-13T10:15:30Z"}',
        # Only a logger says what a request was, not a message that quotes a client.
        b"2025-11-13 10:15:30,123 [WARNING] No JSON from client: Credential request: " + format_c(FLAT),
        b"2025-11-13 10:15:30,123 [WARNING] ERROR Credential request: " + format_c(FLAT),
        b"[INFO] Reloaded",
        b"Traceback (most recent call last):",
        b'  File "proxy.py", line 12, in <module>',
        b'    raise Failed({"status": 1})',
        "Größe der Warteschlange: 3".encode(),
    ],
)
def test_ignored(line: bytes) -> None:
    assert parse(line) is None


WHOLE = format_a(GRANTED)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", Malformed.JSON),
        (b"{}", Malformed.STATUS),
        (WHOLE[:300], Malformed.JSON),
        (WHOLE + WHOLE, Malformed.JSON),
        (WHOLE[:120] + WHOLE, Malformed.JSON),
        (b'{"event_type":"credential_request"}', Malformed.STATUS),
        (changed(status=None), Malformed.STATUS),
        (changed(status="PENDING"), Malformed.STATUS),
        (changed(status=1), Malformed.STATUS),
        (changed(timestamp=None), Malformed.TIMESTAMP),
        (changed(timestamp=""), Malformed.TIMESTAMP),
        (changed(timestamp="yesterday"), Malformed.TIMESTAMP),
        (changed(timestamp="0001-01-01T00:00:00Z"), Malformed.TIMESTAMP),
        (changed(timestamp="9999-12-31T23:59:59-12:00"), Malformed.TIMESTAMP),
        (changed(timestamp=float("inf")), Malformed.TIMESTAMP),
        (changed(timestamp=float("nan")), Malformed.TIMESTAMP),
        (changed(timestamp=-1), Malformed.TIMESTAMP),
        (changed(timestamp=10**400), Malformed.TIMESTAMP),
        (changed(timestamp=True), Malformed.TIMESTAMP),
        (changed(timestamp=["2025-11-13T10:15:30Z"]), Malformed.TIMESTAMP),
        (b"2025-11-13 10:15:30,123 [INFO] Credential request: {", Malformed.JSON),
        (b"2025-11-13 10:15:30,123 [INFO] Credential request: [1]", Malformed.JSON),
        (b"2025-11-13 10:15:30,123 [INFO] Credential request: granted", Malformed.JSON),
        (b'[INFO] Credential request: {"status": "GRANTED"}', Malformed.TIMESTAMP),
        (b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", Malformed.JSON),
        (b"[1, 2]", Malformed.PIECE),
        (b'"text"', Malformed.PIECE),
        (b"17", Malformed.PIECE),
        (b"null", Malformed.PIECE),
        (WHOLE[300:], Malformed.PIECE),
        (b'"response_time_ms":2}', Malformed.PIECE),
        (b"\xff\xfe garbage", Malformed.PIECE),
        (b"2025-11-13 10:15:30,123 [INFO] List\0\0\0ning", Malformed.PIECE),
    ],
)
def test_malformed(line: bytes, why: Malformed) -> None:
    assert parse(line) is why
    assert HASH not in why.value and PREFIX not in why.value


@pytest.mark.parametrize(
    "prefix",
    [
        "2025-11-13 10:15:30,123 [INFO] ",
        "2025-11-13T10:15:30.123Z INFO: ",
        "[2025-11-13 10:15:30] [INFO] ",
        "2025-11-13 10:15:30,123 - proxy.audit - INFO - ",
        "2025-11-13 10:15:30,123 | WARNING | ",
        "INFO:",
    ],
)
def test_loggers(prefix: str) -> None:
    assert parse(prefix.encode() + b"Credential request: " + format_c(FLAT)) == FLAT


@pytest.mark.parametrize("said", [None, "soon", "0001-01-01T00:00:00"])
def test_a_loggers_own_time_where_the_record_has_none(said: str | None) -> None:
    record = json.dumps(fields_c(FLAT) | {"timestamp": said})
    line = f"2025-11-13 11:15:30,250 [INFO] Credential request: {record}"
    assert parse(line, "Europe/Berlin") == FLAT._replace(timestamp=int(AT) + 0.25)


def test_records_ahead_of_the_clock_count_now() -> None:
    parser = Parser(SERVICES, UTC)
    lines = [format_a(GRANTED._replace(timestamp=AT + ahead)) for ahead in (AHEAD_SECONDS, AHEAD_SECONDS + 1)]
    assert [record.timestamp for record in parser.read(lines, AT).records] == [AT + AHEAD_SECONDS, AT]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Missing service or operation", "invalid_request"),
        ("Missing field: service", "invalid_request"),
        ("Invalid JSON", "invalid_request"),
        ("Unknown service: aws", "unknown_service"),
        ("unknown service aws", "unknown_service"),
        ("UNKNOWN_SERVICE", "unknown_service"),
        ("SERVICE_NOT_ALLOWED", "unknown_service"),
        ("Operation not allowed: delete", "operation_not_allowed"),
        ("OPERATION_NOT_ALLOWED", "operation_not_allowed"),
        ("Rate limit exceeded: 10/min", "rate_limit_exceeded"),
        ("RATE_LIMIT_EXCEEDED", "rate_limit_exceeded"),
        ("rate-limit", "rate_limit_exceeded"),
        ("Resource not allowed: acme/checkout", "resource_not_allowed"),
        ("RESOURCE_NOT_ALLOWED", "resource_not_allowed"),
        ("Access to resource denied", "resource_not_allowed"),
        ("Repository acme/checkout is not in the list", "resource_not_allowed"),
        ("RESOURCE_EXHAUSTED", "other"),
        ("INTERNAL_ERROR", "internal_error"),
        ("Not today: Unknown service", "other"),
        ("Not today", "other"),
        ("", "other"),
        (":", "other"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    assert reason_of(text) == reason
    assert reason in REASONS
    assert reason_said(text) in ("", reason)
    assert parse(rejected(rejection_reason=text)) == REJECTED._replace(reason=reason)


@pytest.mark.parametrize("field", ["error", "reason", "error_code"])
def test_reasons_in_other_fields(field: str) -> None:
    line = rejected(rejection_reason=None, **{field: "RATE_LIMIT_EXCEEDED"})
    assert parse(line) == REJECTED._replace(reason="rate_limit_exceeded")
    both = rejected(rejection_reason="Not today", **{field: "RATE_LIMIT_EXCEEDED"})
    assert parse(both) == REJECTED._replace(reason="rate_limit_exceeded")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("GRANTED", "granted"),
        ("rejected", "rejected"),
        ("Error", "error"),
        ("failed to retrieve", "error"),
        ("OK", ""),
        (1, ""),
    ],
)
def test_statuses(said: object, status: str) -> None:
    assert status_of(said) == status


def test_texts_are_cleaned_once_and_bounded() -> None:
    texts = Texts()
    assert texts["a\tb"] == clean("a\tb") == "a b"
    assert texts["".join(["a", "\t", "b"])] is texts["a\tb"]
    long = "x" * 70_000
    assert texts[long] == "x" * MAX_CHARACTERS
    for number in range(20_000):
        texts[f"container-{number}"]
    assert len(texts) <= 5_000 and long not in texts
