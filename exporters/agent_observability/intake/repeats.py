"""What tells that a request was sent before."""

from __future__ import annotations

import hashlib

from aiohttp import web

from agent_observability.intake.errors import RefusedError
from agent_observability.intake.part import Caller

__all__ = ["digest_of", "idempotency_key"]

_HEADER = "Idempotency-Key"
_MAX_KEY = 200
_DAY_MS = 86_400_000


def idempotency_key(request: web.Request) -> str:
    """Empty without one. Raises RefusedError."""
    key = request.headers.get(_HEADER, "").strip()
    if len(key) > _MAX_KEY:
        reason = f"expected at most {_MAX_KEY} characters, got {len(key):,}"
        raise RefusedError(400, "invalid", reason, field=_HEADER)
    return key


def digest_of(request: web.Request, caller: Caller, key: str, body: bytes, now: float) -> tuple[bytes, int]:
    """For a day: of the request's key, or of all of it where it has none.

    Of one project, whichever of its keys is used; keys for all projects may belong to strangers, who count for
    themselves.
    """
    # Headers may hold bytes that are no UTF-8.
    content = key.encode(errors="surrogateescape") if key else body
    whose = ("project", caller.project) if caller.project else ("caller", caller.name)
    digest = hashlib.blake2b(digest_size=16)
    for part in (*(text.encode() for text in whose), request.path.encode(), b"key" if key else b"body", content):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest(), round(now * 1000) + _DAY_MS
