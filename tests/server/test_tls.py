"""TLS, client certificates, and certificates replaced under a running server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from pathlib import Path

import aiohttp
import pytest

from agent_observability import config, run
from agent_observability.run import Process
from agent_observability.webconfig import WebSecurity, load_web_config
from tests import probe
from tests.pki import Pair, Pki
from tests.server.site import Site, ask, closed_by_server, connect, serving, session
from tests.support import wait_until_async

# With TLS 1.3 a client learns that its certificate was refused only when it reads, as a reset or an alert.
REFUSED = (aiohttp.ClientError, ssl.SSLError, ConnectionError)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def web_config(folder: Path, pair: Pair, extra: str = "") -> Path:
    file = folder / "web.yml"
    file.write_text(f"tls_server_config:\n  cert_file: {pair.cert.name}\n  key_file: {pair.key.name}\n{extra}")
    return file


def secured(folder: Path, pki: Pki, extra: str = "") -> WebSecurity:
    return load_web_config(web_config(folder, pki.issue("server", "127.0.0.1"), extra))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_serves_modern_tls(tmp_path: Path, pki: Pki, version: ssl.TLSVersion) -> None:
    context = pki.client()
    context.minimum_version = context.maximum_version = version
    async with serving(security=secured(tmp_path, pki), client_context=context) as site:
        assert (await site.get("/metrics")).status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_refuses_old_tls(tmp_path: Path, pki: Pki) -> None:
    context = pki.client()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with serving(security=secured(tmp_path, pki), client_context=context) as site:
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.get("/metrics")
        assert (await site.get("/metrics", context=pki.client())).status == 200


async def test_min_version_is_honoured(tmp_path: Path, pki: Pki) -> None:
    old = pki.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    security = secured(tmp_path, pki, "  min_version: TLS13\n")
    async with serving(security=security, client_context=pki.client()) as site:
        assert (await site.get("/metrics")).status == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.get("/metrics", context=old)


async def test_plain_text_gets_nothing(tmp_path: Path, pki: Pki) -> None:
    async with serving(security=secured(tmp_path, pki), client_context=pki.client()) as site:
        reader, writer = await connect(site.port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1.1 200" not in await closed_by_server(reader, 5)
        writer.close()


MTLS = "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


async def test_mtls_wants_a_certificate_but_not_from_probes(tmp_path: Path, pki: Pki) -> None:
    with_certificate = pki.client(pki.issue("client", "scraper.example"))
    async with serving(security=secured(tmp_path, pki, MTLS), client_context=pki.client()) as site:
        for path in ("/metrics", "/", "/nothing"):
            answer = await site.get(path)
            assert (answer.status, answer.text) == (403, "A verified client certificate is required.\n")
        assert (await site.request("POST", "/-/reload")).status == 403
        assert [(await site.get(f"/-/{name}")).status for name in ("healthy", "ready")] == [200, 200]
        assert (await site.get("/metrics", context=with_certificate)).status == 200


async def test_mtls_refuses_a_stranger_in_the_handshake(tmp_path: Path, pki: Pki) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger = Pki(other).issue("client", "scraper.example")
    async with serving(security=secured(tmp_path, pki, MTLS), client_context=pki.client(stranger)) as site:
        for path in ("/metrics", "/-/healthy"):
            with pytest.raises(REFUSED):
                await site.get(path)


async def test_mtls_admits_listed_names_only(tmp_path: Path, pki: Pki) -> None:
    security = secured(tmp_path, pki, f"{MTLS}  client_allowed_sans: [scraper.example, 10.0.0.9]\n")
    cases = {("scraper.example",): 200, ("b.example", "10.0.0.9"): 200, ("b.example",): 403}
    async with serving(security=security, client_context=pki.client()) as site:
        for number, (names, status) in enumerate(cases.items()):
            context = pki.client(pki.issue(f"client{number}", *names))
            assert (names, (await site.get("/metrics", context=context)).status) == (names, status)


async def test_certificate_if_given(tmp_path: Path, pki: Pki) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger = Pki(other).issue("client", "scraper.example")
    extra = "  client_ca_file: ca.pem\n  client_auth_type: VerifyClientCertIfGiven\n"
    async with serving(security=secured(tmp_path, pki, extra), client_context=pki.client()) as site:
        assert (await site.get("/metrics")).status == 200
        with pytest.raises(REFUSED):
            await site.get("/metrics", context=pki.client(stranger))


async def _serial(site_port: int, context: ssl.SSLContext) -> str:
    """The serial number of the certificate a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", site_port, ssl=context, server_hostname="127.0.0.1")
    certificate = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    return str(certificate["serialNumber"])


def _listeners(site: Site) -> int:
    """Descriptors of the server's listening socket: itself, and a duplicate per listener."""
    (sock,) = site.server._door._sockets
    inode = os.fstat(sock.fileno()).st_ino
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += entry.stat().st_ino == inode
    return count


async def test_new_security_refuses_no_connection(tmp_path: Path, pki: Pki) -> None:
    """Connections are opened all the time while the certificate changes thirty times."""
    context = pki.client()
    stop = asyncio.Event()

    async def keep_connecting(site: Site, serials: set[str]) -> int:
        count = 0
        while not stop.is_set():
            serials.add(await _serial(site.port, context))
            count += 1
        return count

    async with serving(security=secured(tmp_path, pki), client_context=context) as site:
        serials: set[str] = set()
        before = _listeners(site)
        clients = [asyncio.create_task(keep_connecting(site, serials)) for _ in range(4)]
        for _ in range(30):
            await site.server.secure(secured(tmp_path, pki))
            await asyncio.sleep(0.01)
        stop.set()
        assert sum(await asyncio.gather(*clients)) >= 30
        assert len(serials) >= 10
        assert _listeners(site) == before, "a listener with an old certificate is still open"


async def test_an_open_connection_survives_new_security(tmp_path: Path, pki: Pki) -> None:
    async with serving(security=secured(tmp_path, pki), client_context=pki.client()) as site, site.session() as client:
        assert (await ask(client, "GET", "/metrics")).status == 200
        await site.server.secure(secured(tmp_path, pki))
        assert (await ask(client, "GET", "/metrics")).status == 200
        await site.server.secure(secured(tmp_path, pki, MTLS))
        assert (await ask(client, "GET", "/metrics")).status == 403


@pytest.fixture
def config_file(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "EXPORTERS", probe.EXPORTERS)
    monkeypatch.setattr(config, "BY_NAME", {exporter.name: exporter for exporter in probe.EXPORTERS})
    web_config(tmp_path, pki.issue("server", "127.0.0.1"))
    file = tmp_path / "config.yml"
    file.write_text("web: {listen: {probe: ['127.0.0.1:0']}, config_file: web.yml}")
    return file


async def test_reload_takes_replaced_certificates(config_file: Path, pki: Pki) -> None:
    process = Process([probe.PROBE], config_file, {})
    await process.start()
    port = process.servers[0].ports[0]
    context = pki.client()
    try:
        old = await _serial(port, context)
        pki.issue("server", "127.0.0.1")
        assert await _serial(port, context) == old
        async with session(f"https://127.0.0.1:{port}", context) as client:
            assert (await ask(client, "POST", "/-/reload")).status == 200
        new = await _serial(port, context)
        assert new != old

        (config_file.parent / "server.key").write_text("no key")
        async with session(f"https://127.0.0.1:{port}", context) as client:
            answer = await ask(client, "POST", "/-/reload")
        assert answer.status == 500
        assert "web.yml: tls_server_config: cannot use" in answer.text
        assert await _serial(port, context) == new
    finally:
        await process.stop()


async def test_replaced_certificates_are_noticed(
    config_file: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "_CERTIFICATE_CHECK_SECONDS", 0.02)
    process = Process([probe.PROBE], config_file, {})
    await process.start()
    port = process.servers[0].ports[0]
    context = pki.client()
    logged: list[str] = []

    def said(text: str) -> bool:
        logged.append(capsys.readouterr().err)
        return text in "".join(logged)

    watch = asyncio.create_task(process.watch_certificates())
    try:
        old = await _serial(port, context)
        (config_file.parent / "server.key").write_text("no key")
        await wait_until_async(lambda: said("changed web configuration is not used"))
        assert await _serial(port, context) == old
        pki.issue("server", "127.0.0.1")
        await wait_until_async(lambda: said("web configuration changed and is in use"))
        assert await _serial(port, context) != old
    finally:
        watch.cancel()
        await process.stop()
