"""Basic authentication, response headers and the rate limit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import bcrypt
import pytest

from agent_observability.webconfig import WebSecurity, load_web_config
from tests.server.site import ask, serving

PASSWORD = "pa:ss wörd"
PRIVATE = ("/metrics", "/", "/nothing")


@pytest.fixture(scope="module")
def users() -> str:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    return f"basic_auth_users:\n  kim: {hashed}\n"


def security(folder: Path, text: str) -> WebSecurity:
    file = folder / "web.yml"
    file.write_text(text)
    return load_web_config(file)


async def test_admits_the_right_password_alone(tmp_path: Path, users: str) -> None:
    async with serving(security=security(tmp_path, users)) as site:
        for _ in range(2):  # the second answer is a remembered one
            assert (await site.get("/metrics", auth=("kim", PASSWORD))).status == 200
            for wrong in (("kim", "guess"), ("kim", ""), ("lee", PASSWORD), ("", ""), ("Kim", PASSWORD)):
                assert (await site.get("/metrics", auth=wrong)).status == 401
        for path in PRIVATE:
            assert (path, (await site.get(path)).status) == (path, 401)
        assert (await site.request("POST", "/-/reload")).status == 401


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic a2lt", "Bearer a2ltOnB3", "Basic /w==", "basic " * 50]
)
async def test_refuses_a_header_that_is_none(tmp_path: Path, users: str, header: str) -> None:
    async with serving(security=security(tmp_path, users)) as site:
        answer = await site.get("/metrics", Authorization=header)
        assert (answer.status, answer.text) == (401, "Unauthorized.\n")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="agent-obs", charset="UTF-8"'


async def test_probes_stay_open(tmp_path: Path, users: str) -> None:
    async with serving(security=security(tmp_path, users)) as site:
        assert [(await site.get(f"/-/{name}")).status for name in ("healthy", "ready")] == [200, 200]


async def test_an_answer_is_remembered(tmp_path: Path, users: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[bytes] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        checks.append(password)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    async with serving(security=security(tmp_path, users)) as site:
        for _ in range(5):
            assert (await site.get("/metrics", auth=("kim", PASSWORD))).status == 200
        assert len(checks) == 1
        await site.server.secure(security(tmp_path, users.replace("kim", "lee")))
        assert (await site.get("/metrics", auth=("kim", PASSWORD))).status == 401


async def test_guessing_blocks_nobody(tmp_path: Path) -> None:
    """Slow password checks run beside the event loop: probes answer at once meanwhile."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=10)).decode()
    async with serving(security=security(tmp_path, f"basic_auth_users: {{kim: {hashed}}}")) as site:
        guesses = [asyncio.create_task(site.get("/metrics", auth=("kim", str(number)))) for number in range(12)]
        async with site.session() as client:
            probes = 0
            while not all(guess.done() for guess in guesses):
                assert (await ask(client, "GET", "/-/healthy")).status == 200
                probes += 1
        assert {guess.result().status for guess in guesses} == {401}
        assert probes > 20


async def test_sends_configured_headers(tmp_path: Path, users: str) -> None:
    headers = {
        "Content-Security-Policy": "default-src 'self'",
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1",
        "Strict-Transport-Security": "max-age=60",
    }
    lines = "".join(f'    {name}: "{value}"\n' for name, value in headers.items())
    text = f"{users}http_server_config:\n  headers:\n{lines}"
    async with serving(security=security(tmp_path, text)) as site:
        answers = [await site.get(path, auth=("kim", PASSWORD)) for path in ("/metrics", "/", "/nothing")]
        answers += [await site.get("/-/healthy"), await site.get("/metrics")]
    assert [answer.status for answer in answers] == [200, 200, 404, 200, 401]
    for answer in answers:
        assert headers.items() <= answer.headers.items()


async def test_limits_the_rate(tmp_path: Path) -> None:
    text = "rate_limit: {interval: 1m, burst: 3}"
    async with serving(security=security(tmp_path, text)) as site:
        answers = [await site.get("/metrics") for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["Retry-After"] == "1"
        assert (await site.get("/-/healthy")).status == 200


async def test_failing_listeners_leave_the_old_security_in_use(
    tmp_path: Path, users: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(security=security(tmp_path, users)) as site:

        async def fail(*_: object) -> asyncio.Server:
            raise OSError(24, "Too many open files")

        with monkeypatch.context() as patched:
            patched.setattr(site.server._door, "_listener", fail)
            with pytest.raises(OSError, match="Too many"):
                await site.server.secure(WebSecurity())
        assert (await site.get("/metrics")).status == 401
        assert (await site.get("/metrics", auth=("kim", PASSWORD))).status == 200
        await site.server.secure(WebSecurity())
        assert (await site.get("/metrics")).status == 200
