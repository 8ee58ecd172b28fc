"""The demo's audit logs in each format, and what a perfect reader makes of them."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from agent_observability.demo.proxy_asks import Ask
from agent_observability.demo.proxy_crowd import Crowd
from agent_observability.demo.proxy_lines import Line, chatter, in_form
from agent_observability.demo.proxy_truth import ProxyTruth

AT = 1_763_028_930.123456  # 2025-11-13T10:15:30.123456Z
GRANT = Ask(at=AT, container="0123456789ab", pid=7, service="github", operation="push", resource="example/docs-1")
REFUSAL = Ask(
    at=AT,
    container="0123456789ab",
    pid=7,
    service="aws",
    operation="read",
    status="REJECTED",
    reason="unknown_service",
    problem="Unknown service: aws",
)
FAILURE = Ask(
    at=AT,
    container="",
    pid=8,
    service="anthropic",
    operation="api_call",
    status="ERROR",
    reason="internal_error",
    problem="gone",
)


def document(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line.text)
    return found


def test_the_documented_format() -> None:
    granted, refused = (document(in_form(ask, "documented", 1)) for ask in (GRANT, REFUSAL))
    assert granted["version"] == "1.0"
    assert granted["timestamp"] == "2025-11-13T10:15:30.123456Z"
    assert granted["event_type"] == "credential_request"
    assert granted["requester"] == {"pid": 7, "container_id": "0123456789ab", "user": "agent"}
    assert set(granted["validation"].values()) == {True}
    assert set(granted["credential"]) == {"type", "format", "prefix", "value_hash", "expires_in_seconds"}
    assert "rejection_reason" not in granted
    assert refused["rejection_reason"] == "Unknown service: aws"
    assert [name for name, valid in refused["validation"].items() if not valid] == ["service_allowed"]
    assert "credential" not in refused
    assert (granted["response_time_ms"], refused["status"]) == (3, "REJECTED")
    assert granted["request_id"] != document(in_form(GRANT, "documented", 2))["request_id"]


def test_the_loggers_format() -> None:
    text = in_form(FAILURE, "logged", 1).text.decode()
    prefix, body = text.split("Credential request: ")
    assert prefix == "2025-11-13 10:15:30,123 [INFO] "
    assert json.loads(body) == {
        "timestamp": "2025-11-13T10:15:30.123456",
        "service": "anthropic",
        "operation": "api_call",
        "status": "FAILED_TO_RETRIEVE",
        "requester_pid": 8,
        "error": "gone",
    }
    assert json.loads(in_form(GRANT, "logged", 1).text.split(b"request: ")[1])["error"] is None


def test_the_flat_format() -> None:
    assert document(in_form(REFUSAL, "flat", 1)) == {
        "timestamp": "2025-11-13T10:15:30.123456",
        "service": "aws",
        "operation": "read",
        "status": "REJECTED",
        "requester_pid": 7,
    }


def test_chatter_is_no_request() -> None:
    choose = random.Random(1)
    assert document(chatter(choose, "documented", AT))["event_type"] != "credential_request"
    line = chatter(choose, "flat", AT)
    assert (line.ask, re.match(rb"2025-11-13 10:15:30,123 \[[A-Z]+\] [^{]+\n$", line.text) is not None) == (None, True)


def test_every_line_is_one_line_and_of_the_usual_size() -> None:
    asks = Crowd(1, AT).past(AT)
    texts = [in_form(ask, "documented", number).text for number, ask in enumerate(asks)]
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in texts)
    assert 400 < sum(map(len, texts)) / len(texts) < 700


def test_truth() -> None:
    truth = ProxyTruth({"github": ("push",), "anthropic": ("api_call",)})
    slow = Ask(at=AT, container="a", pid=1, service="github", operation="fly", milliseconds=250)
    truth.written(
        [
            in_form(GRANT, "documented", 1),
            in_form(slow, "documented", 2),
            in_form(REFUSAL, "documented", 3),
            in_form(REFUSAL, "logged", 4),
            in_form(REFUSAL, "flat", 5),
            in_form(FAILURE, "flat", 6),
            chatter(random.Random(1), "logged", AT),
        ]
    )
    assert truth.summary() == {
        "requests": {
            "github/push/granted": 1,
            "github/other/granted": 1,
            "other/other/rejected": 3,
            "anthropic/api_call/error": 1,
        },
        "rejections": {"other/unknown_service": 2, "other/other": 1, "anthropic/internal_error": 1},
        "answers": {"github": 2, "other": 1},
        "milliseconds": {"github": 253, "other": 3},
        "parsed": 6,
        "ignored": 1,
    }
