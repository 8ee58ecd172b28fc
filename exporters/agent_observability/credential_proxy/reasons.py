"""Why a request got no credential, from what the proxy says about it: free text, or a code in upper snake case."""

from __future__ import annotations

import re

__all__ = ["STATUSES_SAID", "reason_of", "reason_said", "snake", "status_of"]

STATUSES_SAID = {"GRANTED": "granted", "REJECTED": "rejected", "ERROR": "error", "FAILED_TO_RETRIEVE": "error"}
"""How the log says what the metrics call granted, rejected and error."""

# As current proxies say it; behind the colon is what the client had asked for.
_SAID = {
    "Missing service or operation": "invalid_request",
    "Unknown service": "unknown_service",
    "Operation not allowed": "operation_not_allowed",
    "Rate limit exceeded": "rate_limit_exceeded",
    "Resource not allowed": "resource_not_allowed",
}
# Begins of texts and codes in lower snake case. The first that fits.
_BEGINS = (
    ("unknown_service", "unknown_service"),
    ("service_not_allowed", "unknown_service"),
    ("operation_not_allowed", "operation_not_allowed"),
    ("unknown_operation", "operation_not_allowed"),
    ("rate_limit", "rate_limit_exceeded"),
    ("too_many_requests", "rate_limit_exceeded"),
    ("missing", "invalid_request"),
    ("invalid", "invalid_request"),
    ("malformed", "invalid_request"),
    ("schema", "invalid_request"),
    ("internal", "internal_error"),
)
_RESOURCE = re.compile(r"(^|_)(resource|repository)_")
# Says nothing about what the client may have.
_SPENT = re.compile(r"exhausted|unavailable|limit|quota")
_BETWEEN = re.compile(r"[\W_]+")
_MAX_CHARACTERS = 200
_WRITTEN = str.maketrans("- .", "___")


def snake(name: str) -> str:
    """A name of the log's own in lower snake case, however it is written."""
    return name.strip().lower().translate(_WRITTEN)


def status_of(said: object) -> str:
    """One of `metrics.STATUSES`, or "" for what is no status."""
    return STATUSES_SAID.get(snake(said).upper(), "") if isinstance(said, str) else ""


def reason_said(text: str) -> str:
    """One of `metrics.REASONS` for a text that is exactly as current proxies write it, else ""."""
    return _SAID.get(text.partition(":")[0], "")


def reason_of(text: str) -> str:
    """One of `metrics.REASONS` for a rejection; `other` where the text says nothing that is known."""
    # Only up to the colon: what the client asked for must not decide why it was refused.
    head = _BETWEEN.sub("_", text[:_MAX_CHARACTERS].partition(":")[0].lower()).strip("_")
    for begin, reason in _BEGINS:
        if head.startswith(begin):
            return reason
    return "resource_not_allowed" if _RESOURCE.search(f"{head}_") and not _SPENT.search(head) else "other"
