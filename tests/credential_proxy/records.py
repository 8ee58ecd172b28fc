"""Believable audit records, each with what it says: of honest containers, which now and then ask for what they cannot
get, and of a proxy that sometimes fails.

What a grant tells of its credential is marked by `HASH` and `PREFIX`, so that a test finds it wherever it has leaked.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.record import Record

HASH = "5ec7e75ec7e75ec7"
PREFIX = "prefix-of-it"
UTC = zoneinfo.ZoneInfo("UTC")
SERVICES = CredentialProxyConfig().services

_GITHUB = ("clone",) * 35 + ("read",) * 30 + ("pull",) * 15 + ("push",) * 10 + ("comment",) * 6 + ("create_pr",) * 4
_REPOSITORIES = ("acme/checkout", "acme/storefront", "acme/platform-charts", "acme/design-tokens")
# Per thousand.
_UNKNOWN, _REJECTED, _FAILED = 0.2, 20, 5
_TEXTS = {
    "rate_limit_exceeded": "Rate limit exceeded: 10 requests per minute",
    "operation_not_allowed": "Operation not allowed: {operation}",
    "resource_not_allowed": "Resource not allowed: {resource}",
    "invalid_request": "Missing service or operation",
}


class Made(NamedTuple):
    """A line, and the record that is to be read from it."""

    line: bytes
    record: Record


Writer = Callable[[Record, str, str], bytes]
"""Writes a record with its resource and an id that is used once."""


def make(
    number: int, *, begin: float, seconds: float, seed: int = 1, containers: int = 200, writers: Sequence[Writer] = ()
) -> Iterator[Made]:
    """`number` records in order of time, evenly spread over `seconds` but for some jitter, each by one of `writers`
    (format A if there are none). The same arguments make the same records.
    """
    chance = random.Random(seed)
    names = [f"{chance.getrandbits(48):012x}" for _ in range(containers)]
    chosen = tuple(writers) or (format_a,)
    step = seconds / number
    for at in range(number):
        moment = int((begin + (at + chance.random()) * step) * 1_000_000) / 1e6
        service, operation, resource = "anthropic", "api_call", ""
        if chance.random() < 0.6:
            service, resource = "github", chance.choice(_REPOSITORIES)
            operation = chance.choice(_GITHUB)
        milliseconds = min(9_999, int(chance.lognormvariate(1.5, 0.9)) + (chance.random() < 0.002) * 2_000)
        status, reason = "granted", ""
        fate = chance.random() * 1_000
        if fate < _UNKNOWN:
            service, operation, status, reason = chance.choice(("aws", "vault")), "read", "rejected", "unknown_service"
        elif fate < _REJECTED:
            status, reason = "rejected", chance.choice(tuple(_TEXTS))
            if reason == "operation_not_allowed":
                operation = chance.choice(("delete_repo", "admin"))
            elif reason == "invalid_request":
                operation = ""
        elif fate < _REJECTED + _FAILED:
            status, reason = "error", "internal_error"
        writer = chosen[at % len(chosen)]
        container = chance.choice(names)
        if writer is not format_a:
            container = f"pid:{1_000 + names.index(container)}"
            if writer is format_c and reason and reason != "internal_error":
                reason = "other"
        taken = milliseconds / 1_000 if writer is format_a else None
        record = Record(moment, service, operation, status, reason, container, taken)
        yield Made(writer(record, resource, f"{at:08x}-{chance.getrandbits(32):08x}"), record)


def format_a(record: Record, resource: str = "acme/checkout", id_: str = "00000000-00000001") -> bytes:
    """The documented one: about 570 bytes where a credential was granted."""
    return _json(fields_a(record, resource, id_))


def fields_a(record: Record, resource: str = "acme/checkout", id_: str = "") -> dict[str, Any]:
    """Its fields."""
    reason = record.reason
    granted = record.status == "granted"
    credential = {
        "type": "token",
        "format": "bearer",
        "prefix": PREFIX,
        "value_hash": f"sha256:{HASH}{id_[-4:]:0>4}",
        "expires_in_seconds": 3_600,
    }
    fields: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _utc(record.timestamp),
        "event_type": "credential_request",
        "request_id": id_,
        "service": record.service,
        "operation": record.operation,
        "resource": resource,
        "status": record.status.upper(),
        "requester": {"pid": 4_711, "container_id": record.container, "user": "runner"},
        "validation": {
            "schema_valid": reason != "invalid_request",
            "service_allowed": reason != "unknown_service",
            "operation_allowed": reason != "operation_not_allowed",
            "rate_limit_ok": reason != "rate_limit_exceeded",
            "resource_allowed": reason != "resource_not_allowed",
        },
    }
    if granted:
        fields["credential"] = credential
    if record.status == "rejected":
        fields["rejection_reason"] = text_of(record, resource)
    if record.duration is not None:
        fields["response_time_ms"] = round(record.duration * 1_000)
    return fields


def format_b(record: Record, resource: str = "", _id: str = "", zone: zoneinfo.ZoneInfo = UTC) -> bytes:
    """A logger's line with an object in it."""
    level = "INFO" if record.status == "granted" else "WARNING"
    local = dt.datetime.fromtimestamp(record.timestamp, zone).replace(tzinfo=None)
    own = local.isoformat(" ", "milliseconds").replace(".", ",")
    fields = fields_c(record, zone)
    if record.status != "granted":
        fields["error"] = text_of(record, resource)
    return f"{own} [{level}] Credential request: {json.dumps(fields)}".encode()


def format_c(record: Record, _resource: str = "", _id: str = "", zone: zoneinfo.ZoneInfo = UTC) -> bytes:
    """A flat object."""
    return _json(fields_c(record, zone))


def fields_c(record: Record, zone: zoneinfo.ZoneInfo = UTC) -> dict[str, Any]:
    """Its fields: of a container, only the process is known."""
    return {
        "timestamp": dt.datetime.fromtimestamp(record.timestamp, zone).replace(tzinfo=None).isoformat(),
        "service": record.service,
        "operation": record.operation,
        "status": "FAILED_TO_RETRIEVE" if record.status == "error" else record.status.upper(),
        "requester_pid": int(record.container.removeprefix("pid:")),
    }


def text_of(record: Record, resource: str) -> str:
    """Why there was no credential, in the proxy's words."""
    if record.reason == "unknown_service":
        return f"Unknown service: {record.service}"
    if record.status == "error":
        return "The store does not answer"
    return _TEXTS.get(record.reason, "Not today").format(operation=record.operation, resource=resource)


def _utc(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _json(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)
