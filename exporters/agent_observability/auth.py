"""Who may ask: client certificates, basic authentication and the rate limit of a web configuration."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bcrypt

from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers

__all__ = ["Authenticator", "RateLimiter", "certificate_allowed"]

_CACHED_ANSWERS = 128
# A bcrypt check burns tens of milliseconds of CPU: strangers who guess must not take every core.
_CONCURRENT_CHECKS = 2


class Authenticator:
    """Checks `Authorization: Basic` headers against bcrypt hashes, off the event loop, and remembers the answers.

    Answers are remembered under a keyed digest, so neither a password nor a plain hash of one stays in memory.
    """

    def __init__(self, users: Mapping[str, bytes], workers: Workers) -> None:
        self._users = users
        self._dummy = _dummy_hash(users.values())
        self._workers = workers
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, bool] = OrderedDict()
        self._checks = asyncio.Semaphore(_CONCURRENT_CHECKS)

    async def allows(self, header: str | None) -> bool:
        """Whether the header's user and password are right; without configured users everybody is welcome."""
        if not self._users:
            return True
        user, password = _credentials(header)
        if user is None:
            return False
        digest = hmac.new(self._key, user.encode() + b"\0" + password, hashlib.sha256).digest()
        if digest not in self._answers:
            hashed = self._users.get(user, self._dummy)
            async with self._checks:
                matches = await self._workers.run(lambda: _matches(password, hashed))
            self._answers[digest] = matches and user in self._users
            if len(self._answers) > _CACHED_ANSWERS:
                self._answers.popitem(last=False)
        return self._answers[digest]


def _dummy_hash(hashes: Iterable[bytes]) -> bytes:
    """A hash nobody knows the password of, checked for users who do not exist: as dear as the dearest real one."""
    cost = max((hashed.split(b"$")[2] for hashed in hashes), default=b"04")
    return bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt(rounds=4)).replace(b"$04$", b"$" + cost + b"$", 1)


def _credentials(header: str | None) -> tuple[str | None, bytes]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else (None, b"")
    except ValueError:  # no base64, not even ASCII, or a user that is no UTF-8
        return None, b""


def _matches(password: bytes, hashed: bytes) -> bool:
    # bcrypt reads 72 bytes; newer releases of the library refuse more instead of ignoring the rest.
    return bcrypt.checkpw(password[:72], hashed)


class RateLimiter:
    """A token bucket: one request per `interval` seconds, with a reserve of `burst`. An interval of 0 has no limit."""

    def __init__(self, security: WebSecurity) -> None:
        self._interval = security.rate_interval
        self._burst = max(security.rate_burst, 1)
        self._tokens = float(self._burst)
        self._updated = time.monotonic()

    def allows(self) -> bool:
        if not self._interval:
            return True
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) / self._interval)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def certificate_allowed(security: WebSecurity, certificate: Mapping[str, Any] | None) -> bool:
    """Whether a peer may pass. `certificate` is `SSLObject.getpeercert()`: not empty only for a verified one."""
    if not security.client_certificate:
        return True
    if not certificate:
        return False
    names: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    return not security.allowed_sans or any(value in security.allowed_sans for _, value in names)
