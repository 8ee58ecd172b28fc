"""Decompression: bombs, members without end, and what is cut off; and where long work is done."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import threading
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from agent_observability.intake import body as module
from agent_observability.intake.body import decompress
from agent_observability.intake.errors import RefusedError
from agent_observability.intake.lane import AT_ONCE, Lane
from agent_observability.workers import Workers
from tests.intake.test_body import MIB, TEXT, reading, refused
from tests.support import wait_until_async


def zeros(size: int) -> bytes:
    """So many of them in a small gzip."""
    stream = isal_zlib.compressobj(3, isal_zlib.DEFLATED, 31)
    part = bytes(MIB)
    return b"".join([*(stream.compress(part) for _ in range(size // MIB)), stream.flush()])


async def test_a_bomb_takes_no_more_memory_than_is_allowed() -> None:
    bomb = zeros(1024 * MIB)
    assert len(bomb) < 8 * MIB
    async with reading(most=8 * MIB, most_after=8 * MIB, room=64 * MIB) as reader:
        tracemalloc.start()
        try:
            started = time.monotonic()
            outcome = await reader.post(bomb, Content_Encoding="gzip")
            seconds = time.monotonic() - started
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert refused(outcome) == (413, "too_large", "a request may have 8,388,608 bytes, decompressed")
    print(f"1 GiB in {len(bomb):,} bytes: refused in {seconds:.2f} s, {peak / MIB:.0f} MiB at most")
    assert peak < len(bomb) * 4 + 3 * 8 * MIB


async def test_many_members_take_no_long_time() -> None:
    """Each of them is nothing: copying what is left of the body after each would take minutes."""
    member = gzip.compress(b"")
    body = member * (8 * MIB // len(member))
    started = time.monotonic()
    with pytest.raises(RefusedError, match="has more than 1,000 members"):
        decompress(body, "gzip", MIB)
    assert time.monotonic() - started < 5
    assert decompress(member * 1_000, "gzip", MIB) == b""


async def test_a_small_body_that_becomes_large_leaves_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[tuple[str, int]] = []

    def noted(body: bytes, encoding: str, most: int) -> bytes:
        threads.append((threading.current_thread().name, most))
        return decompress(body, encoding, most)

    monkeypatch.setattr(module, "decompress", noted)
    async with reading() as reader:
        assert await reader.post(gzip.compress(b"abc"), Content_Encoding="gzip") == b"abc"
        assert threads == [("MainThread", AT_ONCE)]
        threads.clear()
        assert await reader.post(gzip.compress(bytes(MIB)), Content_Encoding="gzip") == bytes(MIB)
        assert threads == [("MainThread", AT_ONCE), ("test-1", 4 * MIB)]


async def test_only_so_much_is_done_beside_the_loop() -> None:
    """However many large requests there are; small ones are done at once."""
    lane = Lane(Workers("test"))
    gate, running, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def work() -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        assert gate.wait(10)
        with lock:
            running[0] -= 1
        return threading.current_thread().name

    tasks = [asyncio.create_task(lane.run(AT_ONCE, work)) for _ in range(10)]
    await wait_until_async(lambda: running[0] == 2)
    assert await lane.run(AT_ONCE - 1, lambda: threading.current_thread().name) == "MainThread"
    gate.set()
    assert "MainThread" not in await asyncio.gather(*tasks)
    assert most == [2]
    with pytest.raises(ZeroDivisionError):
        await lane.run(AT_ONCE, lambda: 1 // 0)


@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=4), st.sampled_from([0, 1, 6]))
def test_members_are_joined(parts: list[bytes], level: int) -> None:
    body = b"".join(gzip.compress(part, level) for part in parts)
    whole = b"".join(parts)
    assert decompress(body, "gzip", len(whole)) == whole
    if whole:
        with pytest.raises(RefusedError) as caught:
            decompress(body, "gzip", len(whole) - 1)
        assert caught.value.status == 413


@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_decompressed_or_refused(body: bytes, encoding: str) -> None:
    with contextlib.suppress(RefusedError):
        assert len(decompress(body, encoding, 1_000)) <= 1_000


@given(st.binary(min_size=1, max_size=3_000), st.data())
def test_a_gzip_cut_off_anywhere_is_refused(content: bytes, data: st.DataObject) -> None:
    body = gzip.compress(content)
    end = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(RefusedError, match="cut off"):
        decompress(body[:end], "gzip", 10_000)


def test_a_body_in_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP", 7)
    body = gzip.compress(TEXT) + gzip.compress(b"end")
    assert decompress(body, "gzip", len(TEXT) + 3) == TEXT + b"end"
    with pytest.raises(RefusedError, match="cut off"):
        decompress(body[:-1], "gzip", len(TEXT) + 3)
