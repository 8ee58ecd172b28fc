"""Providers that refuse, are not there, or are not what they seem; and keys that stay where they belong."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey

from agent_observability.llm_cost.billing import client as module
from agent_observability.llm_cost.billing.errors import (
    AnswerError,
    BillingError,
    KeyRefusedError,
    UnavailableError,
)
from tests.llm_cost.billing.asking import EMPTY, KEY, Asking, then
from tests.llm_cost.billing.lab import Providers, answering, providers
from tests.support import free_port


async def test_nobody_there() -> None:
    said = await Asking(f"http://127.0.0.1:{free_port()}").fails(UnavailableError)
    assert said == "/v1/organization/costs: cannot connect: Connection refused"


def test_a_name_that_nobody_knows() -> None:
    key = ConnectionKey("0q7z.example.org", 443, True, True, None, None, None)
    error = aiohttp.ClientConnectorDNSError(key, socket.gaierror(-2, "Name or service not known: 0q7z"))
    assert module._words(error) == "its name is not known"


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://[::",
        "http://a:99999",
        "http://a b",
        # Two ways to log in are one too many.
        "http://somebody:password@127.0.0.1:9",
    ],
)
async def test_an_address_that_is_none_is_said_without_it(url: str) -> None:
    said = await Asking(url).fails(BillingError)
    assert "password" not in said


@pytest.mark.parametrize(("status", "word"), [(401, "not valid"), (403, "admin key")])
async def test_a_refused_key_is_tried_once(status: int, word: str) -> None:
    handle, asked = then(status)
    async with answering(handle) as url:
        assert word in await Asking(url).fails(KeyRefusedError)
        assert asked.total() == 1


@pytest.mark.parametrize("key", ["", "with a space 0q7z", "line\n0q7z", "kéy0q7z", "nul\x000q7z"])
async def test_a_key_that_is_none_is_sent_nowhere(key: str) -> None:
    handle, asked = then(web.json_response(EMPTY))
    async with answering(handle) as url:
        await Asking(url, key=key).fails(KeyRefusedError)
        assert asked.total() == 0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    elsewhere, asked = then(web.json_response(EMPTY))
    async with answering(elsewhere) as other:
        handle, _ = then(web.Response(status=status, headers={"Location": f"{other}/?key=sk-admin-0q7z"}))
        async with answering(handle) as url:
            assert "redirects are not followed" in await Asking(url).fails(AnswerError)
            assert asked.total() == 0


@pytest.mark.parametrize("status", [400, 404, 418, 204])
async def test_other_answers_are_not_asked_for_again(status: int) -> None:
    handle, asked = then(status)
    async with answering(handle) as url:
        assert await Asking(url).fails(AnswerError) == f"/v1/organization/costs answered {status}"
        assert asked.total() == 1


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, compressed: bool) -> None:
    monkeypatch.setattr(module, "_BODY_BYTES", 2**20)

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        while True:
            await response.write(b" " * 2**18)

    async with answering(handle) as url:
        assert "expected at most 1 MiB" in await Asking(url).fails(AnswerError)


async def test_a_certificate_that_nobody_trusts() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    handle, asked = then(web.json_response(EMPTY))
    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        said = await Asking(f"https://127.0.0.1:{runner.addresses[0][1]}").fails(UnavailableError)
    finally:
        await runner.cleanup()
    assert said == "/v1/organization/costs: cannot connect: its certificate is not trusted"
    assert asked.total() == 0


async def test_what_speaks_no_http() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 sk-admin-0q7z ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "the answer is not whole" in await Asking(f"http://127.0.0.1:{port}").fails(UnavailableError)


async def test_keys_are_in_no_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world: Providers
    async with providers("2026-03-18T12:00") as world:
        for key in (KEY, world.keys[0]):
            asking = Asking(f"{world.url}/openai", key=key)
            if key == KEY:
                await asking.fails(KeyRefusedError)
            else:
                await asking.costs()
            assert key not in repr(vars(asking.api))
        assert "sk-admin" not in caplog.text
        assert json.dumps(EMPTY) not in caplog.text
