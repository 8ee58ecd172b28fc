"""The file of keys while the intake runs: it comes, changes, breaks, and goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_observability.errors import ConfigError
from agent_observability.intake import keyfile as module
from agent_observability.intake.keyfile import KeyFile
from agent_observability.intake.keys import add_key, read_keys, remove_key
from agent_observability.workers import Workers
from tests.support import wait_until_async

LOOK = 0.02


@contextlib.asynccontextmanager
async def watching(file: Path) -> AsyncIterator[KeyFile]:
    """A file that has been read and is looked at every so often."""
    keys = KeyFile(file, Workers("test"), look_seconds=LOOK)
    await keys.read()
    task = asyncio.create_task(keys.watch())
    try:
        yield keys
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until_known(keys: KeyFile, text: str, *, known: bool = True) -> None:
    await wait_until_async(lambda: (keys.find(f"Bearer {text}") is not None) == known, what=f"known: {known}")


async def test_a_file_that_comes_into_being_later(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    async with watching(file) as keys:
        assert (keys.number, keys.problem) == (0, f"nobody is let in: no keys in {file}")
        text = add_key(file, "n", "p")
        await until_known(keys, text)
        assert (keys.number, keys.problem) == (1, "")


async def test_keys_come_and_go(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    first = add_key(file, "n", "p")
    async with watching(file) as keys:
        await until_known(keys, first)
        second = add_key(file, "m", "q")
        await until_known(keys, second)
        assert keys.find(f"Bearer {first}") is not None
        remove_key(file, first.split("_")[1])
        await until_known(keys, first, known=False)
        assert keys.find(f"Bearer {second}") is not None
        file.unlink()
        await until_known(keys, second, known=False)
        assert keys.problem == f"nobody is let in: no keys in {file}"


@pytest.mark.parametrize("content", ["[", "- {id: 5}", "{}"])
async def test_a_broken_file_changes_nothing_until_it_is_mended(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.yml"
    text = add_key(file, "n", "p")
    good = file.read_bytes()
    async with watching(file) as keys:
        file.write_text(content)
        await wait_until_async(lambda: keys.problem)
        assert keys.problem.startswith(f"changed keys are not used: {file}: ")
        assert "\n" not in keys.problem
        assert keys.find(f"Bearer {text}") is not None
        # It is said once, however often it is looked at.
        await wait_until_async(_looks(keys, 3))
        assert sum(record.levelname == "ERROR" for record in caplog.records) == 1
        file.write_bytes(good)
        await wait_until_async(lambda: not keys.problem)
        assert keys.number == 1


def _looks(keys: KeyFile, number: int):  # type: ignore[no-untyped-def]
    """Whether it has been looked at so many times more."""
    state, seen = keys._state, []

    def counted() -> object:
        seen.append(1)
        return state()

    keys._state = counted  # type: ignore[method-assign,assignment]
    return lambda: len(seen) >= number


async def test_many_problems_are_not_all_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    async with watching(file) as keys:
        file.write_text("- 5\n" * 1_000)
        await wait_until_async(lambda: "changed" in keys.problem)
        expected = f"changed keys are not used: {file}: keys[0]: expected a mapping, got 5 (and 999 more)"
        assert keys.problem == expected


async def test_a_file_that_is_made_readable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its contents are the same as before; root, whom nothing is unreadable to, is told by a patch that it is not."""
    file = tmp_path / "keys.yml"
    async with watching(file) as keys:
        with monkeypatch.context() as patch:
            patch.setattr(module, "read_keys", _forbidden)
            text = add_key(file, "n", "p")
            await wait_until_async(lambda: "Permission denied" in keys.problem)
        file.chmod(0o640)
        await until_known(keys, text)
        assert keys.problem == ""


def _forbidden(file: Path) -> None:
    raise ConfigError(str(file), ["cannot be read: Permission denied"])


async def test_a_file_replaced_by_one_of_the_same_age_and_size(tmp_path: Path) -> None:
    """As a configuration management tool that keeps times would do it."""
    file, other = tmp_path / "keys.yml", tmp_path / "other.yml"
    first, second = add_key(file, "n", "p"), add_key(other, "n", "p")
    for one in (file, other):
        os.utime(one, ns=(1_000, 1_000))
    assert file.stat().st_size == other.stat().st_size
    async with watching(file) as keys:
        await until_known(keys, first)
        other.replace(file)
        await until_known(keys, second)
        assert keys.find(f"Bearer {first}") is None


async def test_a_file_is_not_read_while_it_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.yml"
    add_key(file, "n", "p")
    async with watching(file) as keys:
        monkeypatch.setattr(module, "read_keys", lambda _: pytest.fail("read"))
        await wait_until_async(_looks(keys, 5))
        assert keys.number == 1


async def test_an_unforeseen_error_does_not_end_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.yml"
    async with watching(file) as keys:
        with monkeypatch.context() as patch:
            patch.setattr(module, "read_keys", _raise)
            add_key(file, "n", "p")
            await wait_until_async(lambda: "cannot be read; see the log" in keys.problem)
        assert "out of luck" in caplog.text
        text = add_key(file, "n", "p")
        await until_known(keys, text)
        assert keys.problem == ""


def _raise(_: Path) -> None:
    raise RuntimeError("out of luck")


async def test_a_broken_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    file.write_text("[")
    with pytest.raises(ConfigError):
        await KeyFile(file, Workers("test")).read()
    assert read_keys(tmp_path / "none.yml") == {}
