"""The audit log's three formats, as the demo's credential proxies write them, and what else stands in such logs."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from agent_observability.demo.proxy_asks import Ask

__all__ = ["Form", "Line", "chatter", "in_form"]

Form = Literal["documented", "logged", "flat"]
"""JSON with a type and a version; JSON behind a logger's time and level; JSON with nothing but the request."""

_EVENTS = ("policy_reloaded", "credential_rotated", "health_check")
_TALK = (
    "[INFO] Listening on /run/credential-proxy/proxy.sock",
    "[DEBUG] Connection closed by peer",
    "[INFO] Policy read: 2 services",
    "[WARNING] Slow answer from upstream",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its newline. `ask` is what it tells of, None where it is no request."""

    text: bytes
    form: Form
    ask: Ask | None = None


def in_form(ask: Ask, form: Form, number: int) -> Line:
    """A request; `number` tells its id from others'."""
    if form == "documented":
        return Line(_json(_documented(ask, number)), form, ask)
    flat = {
        "timestamp": _local(ask.at),
        "service": ask.service,
        "operation": ask.operation,
        "status": "FAILED_TO_RETRIEVE" if ask.status == "ERROR" else ask.status,
        "requester_pid": ask.pid,
    }
    if form == "flat":
        return Line(_json(flat), form, ask)
    prefix = f"{_logged(ask.at)} [INFO] Credential request: "
    return Line(prefix.encode() + _json({**flat, "error": ask.problem or None}), form, ask)


def chatter(choose: random.Random, form: Form, at: float) -> Line:
    """Something that is no request."""
    if form == "documented":
        event = {"version": "1.0", "timestamp": _zulu(at), "event_type": choose.choice(_EVENTS)}
        return Line(_json(event), form)
    return Line(f"{_logged(at)} {choose.choice(_TALK)}\n".encode(), "logged")


def _documented(ask: Ask, number: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"{ask.container} {ask.at} {number}".encode()).hexdigest()
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _zulu(ask.at),
        "event_type": "credential_request",
        "request_id": f"req-{digest[:12]}",
        "service": ask.service,
        "operation": ask.operation,
        "resource": ask.resource,
        "status": ask.status,
        "requester": {"pid": ask.pid, "container_id": ask.container, "user": "agent"},
        "validation": {
            "schema_valid": ask.reason != "invalid_request",
            "service_allowed": ask.reason != "unknown_service",
            "operation_allowed": ask.reason not in ("invalid_request", "operation_not_allowed"),
            "rate_limit_ok": ask.reason != "rate_limit_exceeded",
            "resource_allowed": ask.reason != "resource_not_allowed",
        },
    }
    if ask.status == "GRANTED":
        record["credential"] = {
            "type": "app_token" if ask.service == "github" else "api_key",
            "format": "opaque",
            "prefix": "demo",
            "value_hash": f"sha256:{digest}",
            "expires_in_seconds": 3600,
        }
    if ask.status == "REJECTED":
        record["rejection_reason"] = ask.problem
    record["response_time_ms"] = ask.milliseconds
    return record


def _json(found: dict[str, Any]) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def _zulu(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _local(at: float) -> str:
    """Without an offset; the demo's machine lives in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _logged(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
