"""The landing page, health and readiness."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from agent_observability import __version__
from agent_observability.decode import Secret
from agent_observability.units import Duration, Size
from agent_observability.webconfig import WebSecurity
from tests.probe import ProbeConfig
from tests.server.site import serving

_VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Page(HTMLParser):
    """Tag balance and the text of a page. Unlike a browser, it does not mend."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_shows_the_exporter() -> None:
    async with serving(ProbeConfig(fail="disk gone")) as site:
        await site.get("/metrics")
        answer = await site.get("/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = _Page(answer.text)
    text = re.sub(r"\s+", " ", page.text)
    assert f"Exporter probe of the tests. Agent Observability {__version__}." in text
    assert re.search(r"steady ✕ failed [\d.]+ ms OSError: disk gone", text)
    assert re.search(r"blocking ✓ OK [\d.]+ ms", text)
    assert "source of steady ✓ OK 3 s" in text
    assert "✓ Ready" in text
    assert "fail: disk gone" in text
    assert 'href="/metrics"' in answer.text


async def test_shows_values_as_people_wrote_them_and_no_secrets() -> None:
    section = ProbeConfig(
        password=Secret("hunter2"), every=Duration(90), size=Size(2048), pattern=re.compile("^a+$"), counts={"a": 1}
    )
    async with serving(section) as site:
        text = _Page((await site.get("/")).text).text
    assert "hunter2" not in text
    for line in ("password: <secret>", "every: 90.0", "size: 2048", "pattern: ^a+$", "  a: 1"):
        assert f"  {line}\n" in text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=a>', "{{ 7 * 7 }}", "</pre>&amp;"]
)
async def test_escapes_hostile_text(hostile: str) -> None:
    """In the configuration, in an error, in a source's name and in the reason for not being ready."""
    async with serving(ProbeConfig(text=hostile, fail=hostile, unready=hostile)) as site:
        await site.get("/metrics")
        page = _Page((await site.get("/")).text)
    assert not {"script", "img"} & set(page.tags)
    assert page.text.count(hostile) >= 4


async def test_says_that_it_is_protected() -> None:
    async with serving() as open_site:
        assert "behind basic authentication" not in (await open_site.get("/")).text
    users = {"kim": b"$2b$04$abcdefghijklmnopqrstuuYl7GyHwrlxPi/cnhMlgYzAVKw.zu4Wa"}
    async with serving(security=WebSecurity(users=users)) as site:
        assert (await site.get("/")).status == 401


@pytest.mark.parametrize(
    ("path", "section", "expected"),
    [
        ("/-/healthy", ProbeConfig(), (200, "healthy\n")),
        ("/-/ready", ProbeConfig(), (200, "ready\n")),
        ("/-/healthy", ProbeConfig(unready="waiting for the API"), (200, "healthy\n")),
        ("/-/ready", ProbeConfig(unready="waiting for the API"), (503, "not ready: waiting for the API\n")),
        ("/nothing", ProbeConfig(), (404, "Not Found\n")),
    ],
)
async def test_answers_probes(path: str, section: ProbeConfig, expected: tuple[int, str]) -> None:
    async with serving(section) as site:
        answer = await site.get(path)
        assert (answer.status, answer.text) == expected
        head = await site.request("HEAD", path)
        assert (head.status, head.body) == (expected[0], b"")
