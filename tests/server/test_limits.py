"""Clients that are many, slow, silent or malicious: they are bounded, and nobody else notices them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent_observability import door
from agent_observability.config import WebConfig
from agent_observability.units import Duration
from agent_observability.webconfig import load_web_config
from tests.pki import Pki
from tests.probe import ProbeConfig
from tests.server.site import closed_by_server, connect, held, serving
from tests.support import wait_until_async

REQUEST = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_fifty_scrapes_at_once() -> None:
    async with serving(ProbeConfig(counts={"a": 3}, filler=500)) as site:
        await site.settle()
        answers = await asyncio.gather(*(site.get("/metrics") for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    for answer in answers:
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in parse_text(answer.text)
            for sample in family.samples
        }
        assert samples["probe_jobs_total", "a"] == 3
        assert sum(value for (name, *_), value in samples.items() if name == "probe_filler_total") == 500
        assert {value for (name, *_), value in samples.items() if name == "agent_obs_collector_success"} == {1}


async def test_scrapes_above_the_limit_are_refused(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    async with serving(ProbeConfig(hold=hold), web=WebConfig(max_requests=3)) as site:
        with held(hold):
            scrapes = {asyncio.create_task(site.get("/metrics")) for _ in range(5)}
            await wait_until_async(lambda: sum(scrape.done() for scrape in scrapes) == 2)
            answer = await site.get("/metrics?collect[]=steady")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert "web.max_requests" in answer.text
            assert (await site.get("/-/healthy")).status == 200
        statuses = [answer.status for answer in await asyncio.gather(*scrapes)]
        assert sorted(statuses) == [200, 200, 200, 503, 503]
        assert (await site.get("/metrics")).status == 200


async def test_a_wrong_selection_gives_its_place_back() -> None:
    async with serving(web=WebConfig(max_requests=1)) as site:
        for _ in range(3):
            assert (await site.get("/metrics?collect[]=nope")).status == 400
        assert (await site.get("/metrics")).status == 200


def _held_by_server(port: int) -> set[int]:
    """The remote ports of the connections that this process, as the server on `port`, holds open."""
    connections = psutil.Process().net_connections("tcp4")
    return {connection.raddr.port for connection in connections if connection.raddr and connection.laddr.port == port}


@pytest.mark.parametrize(
    ("path", "count", "filler"),
    [("/metrics", 10, 5000), ("/", 100, 0), ("/-/healthy", 3000, 0), ("/nothing", 3000, 0)],
)
async def test_a_client_that_never_reads_is_cut_off(path: str, count: int, filler: int) -> None:
    """Whatever it asks for, over and over in one connection."""
    web = WebConfig(write_timeout=Duration(0.5), max_requests=2)
    async with serving(ProbeConfig(filler=filler), web=web) as site:
        # Accepted connections inherit it: otherwise the kernel takes megabytes before anybody waits.
        site.server._door._sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", site.port))
            sock.setblocking(False)
            own = sock.getsockname()[1]
            loop = asyncio.get_running_loop()
            sending = asyncio.create_task(loop.sock_sendall(sock, REQUEST % path.encode() * count))
            await wait_until_async(lambda: own in _held_by_server(site.port))
            answered = 0
            async with asyncio.timeout(15):
                while own in _held_by_server(site.port):
                    assert (await site.get("/-/healthy")).status == 200
                    assert (await site.get("/metrics?collect[]=steady")).status == 200
                    answered += 1
            assert answered > 10, "cut off before it had its time, or others waited for it"
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(door, "_KEEPALIVE_SECONDS", 0.5)
    monkeypatch.setattr(door, "_HANDSHAKE_SECONDS", 0.5)
    yield


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /metr", id="half a request line"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Dr", id="half a header"),
        pytest.param(REQUEST % b"/-/healthy", id="one request and then nothing"),
        pytest.param(REQUEST % b"/-/healthy" + b"GET /me", id="one request and then half of one"),
    ],
)
async def test_a_slow_client_is_closed_in_the_end(opening: bytes) -> None:
    """One that sends a byte now and then, too; others are answered meanwhile."""
    async with serving() as site:
        started = time.monotonic()
        reader, writer = await connect(site.port, opening)
        ending = asyncio.create_task(closed_by_server(reader, 5))
        while not ending.done():
            if opening and not opening.endswith(b"\n"):
                writer.write(b"a")
            assert (await site.get("/metrics")).status == 200
            await asyncio.sleep(0.02)
        assert 0.4 < time.monotonic() - started < 3
        assert (await ending).count(b"HTTP/1.1 200") == opening.count(b"healthy")
        assert not _held_by_server(site.port)
        writer.close()


@pytest.mark.usefixtures("_impatient")
async def test_an_unfinished_handshake_is_closed_in_the_end(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    pki.issue("server", "127.0.0.1")
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}")
    security = load_web_config(tmp_path / "web.yml")
    async with serving(security=security, client_context=pki.client()) as site:
        reader, writer = await connect(site.port, b"\x16\x03\x01")
        ending = asyncio.create_task(closed_by_server(reader, 5))
        while not ending.done():
            assert (await site.get("/metrics")).status == 200
            await asyncio.sleep(0.02)
        assert await ending == b""
        writer.close()


async def test_connections_above_the_limit_are_closed() -> None:
    async with serving(web=WebConfig(max_connections=4)) as site:
        kept = []
        for _ in range(4):
            reader, writer = await connect(site.port, REQUEST % b"/-/healthy")
            assert b"200 OK" in await reader.readline()
            kept.append(writer)
        for _ in range(3):
            reader, writer = await connect(site.port)
            assert await closed_by_server(reader, 5) == b""
            writer.close()
        kept.pop().close()
        async with asyncio.timeout(5):
            while True:
                reader, writer = await connect(site.port, REQUEST % b"/-/healthy")
                try:
                    if b"200 OK" in await reader.readline():
                        break
                except ConnectionError:
                    pass
                finally:
                    writer.close()
        for writer in kept:
            writer.close()


SECRET = b"c2VjcmV0OnNlY3JldA"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="long line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n", id="long header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: 1\r\n" * 50_000 + b"\r\n", id="many headers"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS to a plain port"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="unknown version"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", id="negative length"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + SECRET + b"\x00\r\n\r\n", id="NUL"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + SECRET * 5000 + b"\r\n\r\n", id="long credentials"
        ),
        pytest.param(b"GET /metrics?collect[]=%ff%00 HTTP/1.1\r\nHost: a\r\n\r\n", id="no UTF-8"),
        pytest.param(b"GET /metrics?collect[]=" + b"a" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="long name"),
    ],
)
async def test_a_malformed_request_is_the_clients_fault(
    request_: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving() as site:
        reader, writer = await connect(site.port)
        writer.write(request_)
        async with asyncio.timeout(5):
            status = await reader.readline()
        assert status.split(b" ", 2)[1][:1] == b"4", status
        writer.close()
        assert (await site.get("/metrics")).status == 200
    logged = caplog.text + "".join(capfd.readouterr())
    assert SECRET.decode() not in logged
    assert "Traceback" not in logged
