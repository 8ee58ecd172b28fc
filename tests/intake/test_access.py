"""Who is let in: keys that come, change and go while the intake runs, each with its project and its rate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_observability.errors import ConfigError
from agent_observability.intake.keyfile import KeyFile
from agent_observability.intake.keys import add_key, remove_key
from tests.intake.site import PATH, serving, some
from tests.server.site import connect
from tests.support import wait_until_async


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.yml"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KeyFile.__init__.__kwdefaults__, "look_seconds", 0.02)


async def test_only_keys_in_force_are_let_in(tmp_path: Path, keys: Path) -> None:
    text = add_key(keys, "n", "team-a")
    stranger = add_key(tmp_path / "others.yml", "n", "team-a")
    async with serving(tmp_path, keys_file=keys) as site:
        for headers in (
            {},
            {"Authorization": ""},
            {"Authorization": text},
            {"Authorization": f"Basic {text}"},
            {"Authorization": f"Bearer {stranger}"},
            {"Authorization": f"Bearer {text[:-2]}__"},
            {"Authorization": "Bearer \udcff\udcfe"},
        ):
            answer = await site.post(some(1), **headers)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert answer.json == {
                "error": "expected Authorization: Bearer with an API key of this intake",
                "field": "Authorization",
            }
        site.expect(unauthorized=7)
        assert (await site.post(some(1), Authorization=f"Bearer {text}")).status == 200
        assert site.intake.source().detail == "127.0.0.1:0, 1 keys"
    assert site.ids() == [1]


async def test_who_is_not_let_in_is_not_read(tmp_path: Path, keys: Path) -> None:
    """Nor is what they send decompressed: they are told at once."""
    add_key(keys, "n", "p")
    async with serving(tmp_path, keys_file=keys) as site:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nContent-Encoding: gzip\r\n\r\n"
        reader, writer = await connect(site.port, head.encode())
        async with asyncio.timeout(5):
            assert b"401" in await reader.readline()
        writer.close()


async def test_the_project_is_that_of_the_key(tmp_path: Path, keys: Path) -> None:
    named, every = add_key(keys, "n", "team-a"), add_key(keys, "n", "*")
    async with serving(tmp_path, keys_file=keys) as site:
        for number, text in enumerate((named, every)):
            await site.post(some(number), Authorization=f"Bearer {text}")
        assert [(caller.name, caller.project) for caller in site.plain.callers] == [
            (named.split("_")[1], "team-a"),
            (every.split("_")[1], ""),
        ]
    async with serving(tmp_path) as site:
        await site.post(some(9))
        assert [(caller.name, caller.project) for caller in site.plain.callers] == [("", "")]


async def test_repeated_requests_are_those_of_one_project(tmp_path: Path, keys: Path) -> None:
    """Whichever of its keys is used; keys for all may belong to strangers."""
    first, second, other, every, each = (add_key(keys, "n", project) for project in ("a", "a", "b", "*", "*"))
    async with serving(tmp_path, keys_file=keys) as site:
        duplicates = []
        for number, text in enumerate((first, second, other, every, each, each)):
            answer = await site.post(some(number), Authorization=f"Bearer {text}", Idempotency_Key="1")
            duplicates.append(answer.json["duplicates"])
    assert duplicates == [0, 1, 0, 0, 0, 1]


async def test_keys_come_change_and_break_while_it_runs(tmp_path: Path, keys: Path) -> None:
    async with serving(tmp_path, keys_file=keys) as site:
        assert (site.intake.source().healthy, site.intake.source().detail) == (
            False,
            f"nobody is let in: no keys in {keys}",
        )
        assert (await site.post(some(1))).status == 401
        text = add_key(keys, "n", "p")
        site.headers["Authorization"] = f"Bearer {text}"
        await wait_until_async(lambda: site.intake.source().healthy)
        assert (await site.post(some(1))).status == 200
        good = keys.read_bytes()
        keys.write_text("[")
        await wait_until_async(lambda: not site.intake.source().healthy)
        assert "changed keys are not used" in site.intake.source().detail
        assert (await site.post(some(2))).status == 200
        keys.write_bytes(good)
        await wait_until_async(lambda: site.intake.source().healthy)
        remove_key(keys, text.split("_")[1])
        await wait_until_async(lambda: not site.intake.source().healthy)
        assert (await site.post(some(3))).status == 401
    assert site.ids() == [1, 2]


async def test_broken_keys_at_the_start(tmp_path: Path, keys: Path) -> None:
    keys.write_text("[")
    with pytest.raises(ConfigError, match="no valid YAML"):
        async with serving(tmp_path, keys_file=keys):
            pytest.fail("it has started")


async def test_a_key_has_its_rate(tmp_path: Path, keys: Path) -> None:
    """One that uses it up is asked to come again, others are not."""
    slow, fast = add_key(keys, "n", "p", 1), add_key(keys, "n", "p")
    async with serving(tmp_path, keys_file=keys, rate=500) as site:
        answers = [await site.post(some(number), Authorization=f"Bearer {slow}") for number in range(6)]
        assert [answer.status for answer in answers[:2]] == [200, 200]
        assert 429 in [answer.status for answer in answers]
        late = answers[-1]
        assert (late.status, late.headers["Retry-After"]) == (429, "1")
        assert late.json == {"error": "more than 1 requests a second"}
        assert [(await site.post(some(7), Authorization=f"Bearer {fast}")).status for _ in range(20)] == [200] * 20
        assert any('result="rate_limited"' in line for line in site.metrics("requests"))
