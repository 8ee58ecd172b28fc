from __future__ import annotations

import asyncio
import base64
import threading
import types
from collections.abc import Iterator

import bcrypt
import pytest

from agent_observability.auth import Authenticator, RateLimiter, certificate_allowed
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers

CHEAPEST = 4
USERS = {
    name: bcrypt.hashpw(word.encode(), bcrypt.gensalt(CHEAPEST))
    for name, word in {"alice": "wonder", "bob": "é:🚀"}.items()
}


def basic(user: str, password: str | bytes) -> str:
    content = user.encode() + b":" + (password if isinstance(password, bytes) else password.encode())
    return "Basic " + base64.b64encode(content).decode()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[bytes, bytes]]]:
    """Every bcrypt check that is made, as password and hash."""
    made: list[tuple[bytes, bytes]] = []
    check = bcrypt.checkpw

    def recorded(password: bytes, hashed: bytes) -> bool:
        made.append((password, hashed))
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", recorded)
    yield made


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        (basic("alice", "wonder"), True),
        (basic("alice", "wonder").replace("Basic", "bAsIc"), True),
        (basic("alice", "wonder") + "  ", True),
        (basic("bob", "é:🚀"), True),
        (basic("alice", "Wonder"), False),
        (basic("alice", ""), False),
        (basic("alice", "é:🚀"), False),
        (basic("alice", b"\xff\x00\xfe"), False),
        (basic("alice", "x" * 5000), False),
        (basic("mallory", "wonder"), False),
        (basic("", ""), False),
        (None, False),
        ("", False),
        ("Basic", False),
        ("Basic ", False),
        ("Basic ????", False),
        ("Basic ünïcödé", False),
        ("Basic YWxpY2U=", False),  # a user without a colon
        ("Basic /////w==", False),  # bytes that are no text
        (f"Bearer {base64.b64encode(b'alice:wonder').decode()}", False),
    ],
)
async def test_credentials(header: str | None, allowed: bool) -> None:
    authenticator = Authenticator(USERS, Workers("auth"))
    for _ in range(2):  # the second time from memory
        assert await authenticator.allows(header) is allowed


async def test_without_users_everybody_is_welcome() -> None:
    assert await Authenticator({}, Workers("auth")).allows(None)


async def test_long_passwords_are_cut_where_bcrypt_cuts_them() -> None:
    long = "x" * 100
    users = {"alice": bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(CHEAPEST))}
    assert await Authenticator(users, Workers("auth")).allows(basic("alice", long))


async def test_unknown_users_cost_as_much_as_the_dearest_known_one(checks: list[tuple[bytes, bytes]]) -> None:
    users = USERS | {"bob": bcrypt.hashpw(b"thunder", bcrypt.gensalt(5))}
    authenticator = Authenticator(users, Workers("auth"))
    assert not await authenticator.allows(basic("mallory", "wonder"))
    ((password, hashed),) = checks
    assert password == b"wonder"
    assert hashed not in users.values()
    assert hashed.startswith(b"$2b$05$")


async def test_unknown_users_stay_out_whatever_the_check_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: True)
    authenticator = Authenticator(USERS, Workers("auth"))
    assert await authenticator.allows(basic("alice", "anything"))
    assert not await authenticator.allows(basic("mallory", "anything"))


async def test_answers_are_remembered(checks: list[tuple[bytes, bytes]]) -> None:
    authenticator = Authenticator(USERS, Workers("auth"))
    for header in (basic("alice", "wonder"), basic("alice", "wrong"), basic("mallory", "wonder")):
        for _ in range(3):
            await authenticator.allows(header)
    assert [password for password, _ in checks] == [b"wonder", b"wrong", b"wonder"]


async def test_memory_is_bounded_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: False)
    authenticator = Authenticator(USERS, Workers("auth"))
    for i in range(300):
        assert not await authenticator.allows(basic("alice", f"guess-{i}"))
    assert len(authenticator._answers) == 128
    assert not any(b"guess" in key for key in authenticator._answers)


async def test_forgotten_answers_are_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []

    def check(password: bytes, hashed: bytes) -> bool:
        checked.append(password)
        return password == b"wonder"

    monkeypatch.setattr(bcrypt, "checkpw", check)
    authenticator = Authenticator(USERS, Workers("auth"))
    for password in ("wonder", *(f"guess-{i}" for i in range(128)), "wonder"):
        assert await authenticator.allows(basic("alice", password)) is (password == "wonder")
    assert checked.count(b"wonder") == 2


async def test_guessing_takes_two_threads_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, release = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(password: bytes, hashed: bytes) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        release.wait(0.01)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    authenticator = Authenticator(USERS, Workers("auth"))
    await asyncio.gather(*(authenticator.allows(basic("alice", f"guess-{i}")) for i in range(20)))
    assert most == 2


def _limiter(monkeypatch: pytest.MonkeyPatch, interval: float, burst: int) -> tuple[RateLimiter, types.SimpleNamespace]:
    clock = types.SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("agent_observability.auth.time", clock)
    return RateLimiter(WebSecurity(rate_interval=interval, rate_burst=burst)), clock


@pytest.mark.parametrize(
    ("interval", "burst", "moments", "expected"),
    [
        (0, 0, [0] * 5, [True] * 5),
        (1, 0, [0, 0, 0.5, 1, 1, 2], [True, False, False, True, False, True]),
        (1, 1, [0, 0, 1], [True, False, True]),
        (1, 3, [0, 0, 0, 0, 1, 1], [True, True, True, False, True, False]),
        (1, 3, [0, 0, 0, 100, 100, 100, 100], [True, True, True, True, True, True, False]),
        (0.5, 1, [0, 0.25, 0.5, 0.75, 1.0], [True, False, True, False, True]),
    ],
)
def test_rate_limit(
    monkeypatch: pytest.MonkeyPatch, interval: float, burst: int, moments: list[float], expected: list[bool]
) -> None:
    limiter, clock = _limiter(monkeypatch, interval, burst)
    allowed = []
    for moment in moments:
        clock.now = 1000.0 + moment
        allowed.append(limiter.allows())
    assert allowed == expected


_SANS = (
    ("DNS", "prometheus"),
    ("IP Address", "10.0.0.7"),
    ("URI", "spiffe://cluster/ns/monitoring"),
    ("email", "a@b.c"),
)
_CERTIFICATE = {"subject": ((("commonName", "grafana"),),), "subjectAltName": _SANS}


@pytest.mark.parametrize(
    ("demanded", "sans", "certificate", "allowed"),
    [
        (False, (), None, True),
        (False, (), {}, True),
        (False, (), _CERTIFICATE, True),
        (True, (), None, False),
        (True, (), {}, False),
        (True, (), _CERTIFICATE, True),
        (True, (), {"subject": ()}, True),
        *((True, (name,), _CERTIFICATE, True) for _, name in _SANS),
        (True, ("other", "prometheus"), _CERTIFICATE, True),
        (True, ("other",), _CERTIFICATE, False),
        (True, ("grafana",), _CERTIFICATE, False),  # a common name is no alternative name
        (True, ("prometheus",), {"subject": ()}, False),
        (True, ("prometheus",), None, False),
    ],
)
def test_client_certificates(
    demanded: bool, sans: tuple[str, ...], certificate: dict[str, object] | None, allowed: bool
) -> None:
    security = WebSecurity(client_certificate=demanded, allowed_sans=frozenset(sans))
    assert certificate_allowed(security, certificate) is allowed
