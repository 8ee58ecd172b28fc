"""Bodies: read within bounds of size, time and memory, and decompressed within them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent_observability.intake.body import read_body
from agent_observability.intake.errors import RefusedError
from agent_observability.intake.lane import Lane
from agent_observability.intake.room import Room, Share
from agent_observability.workers import Workers
from tests.server.site import connect
from tests.support import wait_until_async

# The names of tests are made of their parameters, and must not change with the time.
_gzip = functools.partial(gzip.compress, mtime=0)

MIB = 1024**2
HEAD = "POST / HTTP/1.1\r\nHost: a\r\n"


@dataclass(slots=True)
class Reader:
    """A server that reads bodies; `outcomes` has what became of each: its bytes, or the error."""

    port: int
    room: Room
    outcomes: list[bytes | RefusedError]

    async def post(self, body: Any, **headers: str) -> bytes | RefusedError:
        number = len(self.outcomes)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://127.0.0.1:{self.port}/", data=body, headers=sent) as response,
        ):
            assert response.status == 200
        return self.outcomes[number]


@contextlib.asynccontextmanager
async def reading(
    *, most: int = MIB, most_after: int = 4 * MIB, seconds: float = 10, room: int = 16 * MIB
) -> AsyncIterator[Reader]:
    lane, reader = Lane(Workers("test")), Reader(0, Room(room), [])

    async def handle(request: web.Request) -> web.Response:
        with Share(reader.room) as share:
            try:
                body = await read_body(request, share, lane, most=most, most_after=most_after, seconds=seconds)
            except RefusedError as error:
                reader.outcomes.append(error)
            else:
                assert reader.room.used >= len(body)
                reader.outcomes.append(body)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader.port = runner.addresses[0][1]
    try:
        yield reader
        await wait_until_async(lambda: reader.room.used == 0, what="room given back")
    finally:
        await runner.cleanup()


def refused(outcome: bytes | RefusedError) -> tuple[int, str, str]:
    assert isinstance(outcome, RefusedError)
    return outcome.status, outcome.result, outcome.reason


async def in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


TEXT = b"some text " * 50_000


@pytest.mark.parametrize(
    ("encoding", "sent", "read"),
    [
        (None, b"", b""),
        (None, TEXT, TEXT),
        ("identity", TEXT, TEXT),
        ("", b"abc", b"abc"),
        ("gzip", _gzip(TEXT), TEXT),
        ("GZip ", _gzip(TEXT), TEXT),
        ("x-gzip", _gzip(b"a"), b"a"),
        ("gzip", _gzip(b""), b""),
        ("gzip", _gzip(b"a") + _gzip(b"") + _gzip(b"b" * 100), b"a" + b"b" * 100),
        ("gzip", _gzip(TEXT, 0), TEXT),
        ("deflate", zlib.compress(TEXT), TEXT),
    ],
)
async def test_what_is_sent_is_read(encoding: str | None, sent: bytes, read: bytes) -> None:
    """With a length and in chunks."""
    headers = {} if encoding is None else {"Content_Encoding": encoding}
    async with reading() as reader:
        assert await reader.post(sent, **headers) == read
        if sent:
            half = len(sent) // 2
            assert await reader.post(in_chunks(sent[:half], sent[half:]), **headers) == read


@pytest.mark.parametrize(
    ("encoding", "sent", "status", "reason"),
    [
        ("br", b"x", 415, "expected gzip, deflate or none, got 'br'"),
        ("gzip, gzip", b"x", 415, "expected gzip, deflate or none, got 'gzip, gzip'"),
        ("a" * 1_000, b"x", 415, f"expected gzip, deflate or none, got '{'a' * 40}'"),
        ("gzip", b"", 400, "the gzip body is cut off"),
        ("gzip", b"no gzip at all", 400, "the body is no valid gzip"),
        ("gzip", _gzip(TEXT)[:-1], 400, "the gzip body is cut off"),
        ("gzip", _gzip(TEXT)[:-8], 400, "the gzip body is cut off"),
        ("gzip", _gzip(TEXT)[:20], 400, "the gzip body is cut off"),
        ("gzip", _gzip(b"a") + b"and the rest", 400, "the body is no valid gzip"),
        ("gzip", _gzip(b"a") + _gzip(b"b")[:-3], 400, "the gzip body is cut off"),
        ("gzip", _gzip(b"abc")[:-8] + b"12345678", 400, "the body is no valid gzip"),
        ("gzip", zlib.compress(b"abcdefgh"), 400, "the body is no valid gzip"),
        ("deflate", _gzip(b"a"), 400, "the body is no valid deflate"),
        ("deflate", zlib.compress(b"a")[:-2], 400, "the deflate body is cut off"),
        ("gzip", _gzip(bytes(4 * MIB + 1)), 413, "a request may have 4,194,304 bytes, decompressed"),
        ("gzip", _gzip(bytes(2 * MIB)) * 3, 413, "a request may have 4,194,304 bytes, decompressed"),
    ],
)
async def test_what_is_refused(encoding: str, sent: bytes, status: int, reason: str) -> None:
    async with reading() as reader:
        outcome = await reader.post(sent, Content_Encoding=encoding)
        assert refused(outcome) == (status, "too_large" if status == 413 else "invalid", reason)
        assert await reader.post(b"next") == b"next"


async def test_too_large_by_its_length() -> None:
    """None of it is waited for."""
    async with reading(most=10) as reader:
        stream, writer = await connect(reader.port, f"{HEAD}Content-Length: 11\r\n\r\n".encode())
        await wait_until_async(lambda: reader.outcomes)
        assert refused(reader.outcomes[0]) == (413, "too_large", "a request may have 10 bytes")
        assert b"200 OK" in await stream.readline()
        writer.close()
        assert await reader.post(b"a" * 10) == b"a" * 10


async def test_too_large_by_its_chunks() -> None:
    """However long they go on: this one never ends."""
    async with reading(most=100_000) as reader:
        stream, writer = await connect(reader.port, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n"
        async with asyncio.timeout(10):
            while not reader.outcomes:
                writer.write(chunk)
                await writer.drain()
        assert refused(reader.outcomes[0]) == (413, "too_large", "a request may have 100,000 bytes")
        assert b"200 OK" in await stream.readline()
        writer.close()


async def test_too_large_by_its_chunks_and_all_there_at_once() -> None:
    async with reading(most=10) as reader:
        body = b"b\r\n" + b"a" * 11 + b"\r\n0\r\n\r\n"
        stream, writer = await connect(reader.port, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        await wait_until_async(lambda: reader.outcomes)
        assert refused(reader.outcomes[0]) == (413, "too_large", "a request may have 10 bytes")
        assert b"200 OK" in await stream.readline()
        writer.close()


async def test_a_body_that_does_not_come_in_time() -> None:
    async with reading(seconds=0.2) as reader:
        _, writer = await connect(reader.port, f"{HEAD}Content-Length: 9\r\n\r\nabc".encode())
        await wait_until_async(lambda: reader.outcomes)
        assert refused(reader.outcomes[0]) == (408, "invalid", "the body did not arrive within 0.2 s")
        writer.close()


async def test_a_trickle_is_no_excuse() -> None:
    async with reading(seconds=0.3) as reader:
        _, writer = await connect(reader.port, f"{HEAD}Content-Length: 1000000\r\n\r\n".encode())
        started = time.monotonic()
        while not reader.outcomes:
            writer.write(b"a")
            await asyncio.sleep(0.01)
        assert 0.2 < time.monotonic() - started < 3
        assert refused(reader.outcomes[0])[0] == 408
        writer.close()


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("Content-Length: 9\r\n\r\nabc", id="length"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="chunks"),
    ],
)
async def test_a_client_that_goes_in_the_middle(rest: str) -> None:
    async with reading() as reader:
        _, writer = await connect(reader.port, (HEAD + rest).encode())
        await wait_until_async(lambda: reader.room.used == 3)
        writer.close()
        await wait_until_async(lambda: reader.outcomes)
        assert refused(reader.outcomes[0]) == (400, "invalid", "the body ended before it was complete")


async def test_chunks_that_are_none() -> None:
    """The HTTP library may not say so, and then it is like a body that does not come."""
    async with reading(seconds=0.3) as reader:
        start = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".encode()
        _, writer = await connect(reader.port, start)
        await wait_until_async(lambda: reader.room.used == 3)
        writer.write(b"xyz\r\n")
        await wait_until_async(lambda: reader.outcomes)
        assert refused(reader.outcomes[0])[:2] in ((400, "invalid"), (408, "invalid"))
        writer.close()


async def test_bodies_share_a_bounded_room() -> None:
    """Whoever would need more than what is left is asked to come again; what is left is for others."""
    async with reading(room=100_000) as reader:
        _, first = await connect(reader.port, f"{HEAD}Content-Length: 80000\r\n\r\n".encode() + b"a" * 70_000)
        await wait_until_async(lambda: reader.room.used == 70_000)
        status, result, reason = refused(await reader.post(b"b" * 40_000))
        assert (status, result) == (429, "rate_limited")
        assert reason.endswith("of 100,000 bytes")
        assert await reader.post(b"c" * 20_000) == b"c" * 20_000
        small = _gzip(bytes(40_000))
        status, _, reason = refused(await reader.post(small, Content_Encoding="gzip"))
        assert (status, reason) == (429, f"the requests under way hold {70_000 + len(small):,} of 100,000 bytes")
        first.write(b"a" * 10_000)
        await wait_until_async(lambda: reader.room.used == 0)
        assert reader.outcomes[-1] == b"a" * 80_000
        assert await reader.post(b"b" * 40_000) == b"b" * 40_000
