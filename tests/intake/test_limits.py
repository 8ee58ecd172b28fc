"""What is too much, too slow or broken: refused in time, with the reason, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import logging
import socket
from pathlib import Path

import pytest

from agent_observability.units import Duration, Size
from tests.intake.site import NDJSON, PATH, serving, some
from tests.server.site import closed_by_server, connect
from tests.support import wait_until_async

# The names of tests are made of their parameters, and must not change with the time.
_gzip = functools.partial(gzip.compress, mtime=0)


async def test_without_keys_all_share_a_rate(tmp_path: Path) -> None:
    async with serving(tmp_path, rate=1) as site:
        statuses = [(await site.post(some(number))).status for number in range(4)]
    assert statuses[:2] == [200, 200]
    assert statuses[-1] == 429


async def test_too_many_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, requests=3) as site:
        site.backend.gate.clear()
        waiting = [asyncio.create_task(site.post(some(number))) for number in range(3)]
        await wait_until_async(lambda: len(site.plain.callers) == 3)
        late = await site.post(some(9))
        assert (late.status, late.headers["Retry-After"]) == (429, "1")
        assert late.json == {"error": "more than 3 requests at once"}
        site.backend.gate.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 3
        assert (await site.post(some(9))).status == 200
        site.expect(accepted=4, rate_limited=1)


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"[" + b" " * 2_000 + b"]", {}, 413, "a request may have 2,000 bytes"),
        (
            _gzip(bytes(4_001)),
            {"Content_Encoding": "gzip"},
            413,
            "a request may have 4,000 bytes, decompressed",
        ),
        (b"[" + b"{}," * 100 + b"{}]", {}, 413, "a request may have 100 items"),
        (b"0\n" * 101, {"Content_Type": NDJSON}, 413, "a request may have 100 items"),
        (b"{}", {"Content_Encoding": "br"}, 415, "expected gzip, deflate or none, got 'br'"),
        (
            b"{}",
            {"Content_Type": "text/plain"},
            415,
            "expected application/json or application/x-ndjson, got 'text/plain'",
        ),
        (b"", {}, 400, "no valid JSON: the body is empty"),
        (b"{", {}, 400, "no valid JSON: Input data was truncated"),
        (b"[" * 1_999, {}, 400, "no valid JSON: item 0 is nested too deeply"),
        (b"\xff", {}, 400, "no valid JSON: invalid character (byte 0)"),
        (b"x", {"Content_Encoding": "gzip"}, 400, "the gzip body is cut off"),
    ],
)
async def test_refused_bodies(tmp_path: Path, body: bytes, headers: dict[str, str], status: int, error: str) -> None:
    async with serving(tmp_path, body=Size(2_000), decompressed=Size(4_000), items=100) as site:
        answer = await site.post(body, **headers)
        assert (answer.status, answer.json["error"]) == (status, error)
        assert answer.json.get("field") == {"br": "Content-Encoding", "text/plain": "Content-Type"}.get(
            next(iter(headers.values()), "")
        )
        site.expect(**{"too_large" if status == 413 else "invalid": 1})
        assert (await site.post(some(1))).status == 200


async def test_many_items_in_one_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        assert (await site.post(some(*range(10_000)))).json["accepted"] == 10_000
        assert (await site.post(some(*range(100_001)))).status == 413
    assert site.ids() == list(range(10_000))


async def test_a_body_that_comes_too_slowly(tmp_path: Path) -> None:
    async with serving(tmp_path, timeout=Duration(0.2)) as site:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"
        reader, writer = await connect(site.port, f"{head}{{".encode())
        async with asyncio.timeout(5):
            assert b"408" in await reader.readline()
        writer.close()
        site.expect(invalid=1)
        assert (await site.post(some(1))).status == 200


async def test_a_client_that_goes_in_the_middle_of_its_body(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it is stored, and it is no error of the intake."""
    async with serving(tmp_path) as site:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {NDJSON}\r\nContent-Length: 99\r\n\r\n"
        _, writer = await connect(site.port, head.encode() + b'{"id":1}\n{"id":')
        await wait_until_async(lambda: site.intake._running == 1)
        writer.close()
        await wait_until_async(lambda: site.metrics("requests"))
        site.expect(invalid=1)
        assert site.intake._running == 0
    assert site.ids() == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_client_that_goes_before_its_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What it has sent is stored all the same: when it comes again, it is a duplicate."""
    async with serving(tmp_path) as site:
        site.backend.gate.clear()
        body = b'{"id":1}'
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        _, writer = await connect(site.port, head.encode() + body)
        await wait_until_async(site.backend.waiting.is_set)
        writer.transport.abort()
        site.backend.gate.set()
        await wait_until_async(lambda: site.plain.stored)
        assert (await site.post(some(1))).json["duplicates"] == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("head", [f"POST {PATH}", "POST /nothing", f"GET {PATH}"])
async def test_a_client_that_never_reads_is_cut_off(
    tmp_path: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it asks for, over and over in one connection; others do not wait for it."""
    async with serving(tmp_path, timeout=Duration(0.3), rate=1_000_000) as site:
        # Accepted connections inherit it: otherwise the kernel takes megabytes before anybody waits.
        site.intake._door._sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", site.port))
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            request = f"{head} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n5".encode()
            sending = asyncio.create_task(loop.sock_sendall(sock, request * 20_000))
            async with asyncio.timeout(20):
                while "did not take its answers within 0.3 s" not in caplog.text:
                    assert (await site.post(some(1))).status == 200
                with contextlib.suppress(ConnectionError):
                    while await loop.sock_recv(sock, 65_536):
                        pass
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def test_connections_above_the_limit_are_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, connections=2) as site:
        kept = [(await connect(site.port))[1] for _ in range(2)]
        await wait_until_async(lambda: len(site.intake._door._runner.server.connections) == 2)  # type: ignore[union-attr]
        reader, writer = await connect(site.port)
        assert await closed_by_server(reader, 5) == b""
        for one in (*kept, writer):
            one.close()


async def test_fifty_connections_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        posts = (site.post(some(*range(10 * number, 10 * number + 10))) for number in range(200))
        answers = await asyncio.gather(*(asyncio.create_task(post) for post in posts))
        assert {(answer.status, answer.json["accepted"]) for answer in answers} == {(200, 10)}
        assert site.ids() == list(range(2_000))
        site.expect(accepted=200)
