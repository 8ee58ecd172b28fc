"""A Prometheus that refuses, hangs, talks nonsense or is not there: what is missing is said, and the rest goes on."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from agent_observability.errors import StartError
from agent_observability.report.render import as_text
from agent_observability.report.words import NO_DATA
from tests.report.books import CENT, fill, sqlite, steady
from tests.report.fake_prometheus import Answer, Fake, fake, refused, vector
from tests.report.pages import asked, rows


def answering(known: dict[str, Answer]) -> Any:
    """Answers by the longest beginning or part of a query that is known; all else has no samples."""

    def answer(query: str) -> Answer:
        return next((reply for part, reply in known.items() if part in query), vector())

    return answer


async def test_refusals_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    known = {
        "llm_cost_usd_total": refused("query processing would load too many samples into memory"),
        "vteam:llm_cost_micros:sum": vector(({"provider": "a", "model": "m", "feature": "f"}, "1.25")),
        "llm_tokens_total": refused("expanding series: timed out"),
        "llm_requests_total": vector(({"status": "success"}, "10"), ({"status": "x"}, "NaN")),
        "ALERTS": (200, b"<h1>Log in</h1>"),
        "by (provider) (max by": vector(({"provider": "a"}, "1.25")),
        "sum by () (max by": vector(({}, "1.25")),
        "llm_cost_month_projected_usd": vector(({}, "+Inf")),
    }
    with fake(answering(known)) as server:
        page = await asked(tmp_path, server.url, "daily")
    assert page.total == "$1.25"
    assert rows(page, "Models")["m"][0] == "$1.25"
    assert rows(page, "Requests and tokens")["Requests"] == ["10", ""]
    assert rows(page, "Requests and tokens")["Tokens"] == [NO_DATA, ""]
    notes = "\n".join(page.notes)
    assert "Cost drivers are not told apart by project: Prometheus refuses query" in notes
    assert "llm_tokens_total is missing: Prometheus refuses query_range: expanding series: timed out." in notes
    assert "No alerts: unexpected answer from Prometheus (query): " in notes
    assert rows(page, "November 2026")["Projected at its end"][0] == NO_DATA


async def test_everything_is_refused(tmp_path: Path) -> None:
    with fake(lambda _: refused("no\nway " + "x" * 500)) as server:
        with pytest.raises(StartError, match=r"^Prometheus refuses query(_range)?: no way x+$") as raised:
            await asked(tmp_path, server.url, "daily")
        assert len(str(raised.value)) < 400


async def test_without_prometheus_the_ledger_is_enough(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(dt.date(2026, 10, 1), dt.date(2026, 11, 20), 123 * CENT))
    page = await asked(tmp_path, "http://user:geheim@127.0.0.1:9", "daily", source="auto")
    assert page.total == "$1.23"
    [note] = [note for note in page.notes if "does not answer" in note]
    assert note.startswith("No projection, bills, alerts, sessions: Prometheus does not answer: ")
    assert "geheim" not in as_text(page)


async def test_auto_says_why_the_ledger_is_not_used(tmp_path: Path) -> None:
    with fake(answering({})) as server:
        page = await asked(tmp_path, server.url, "daily", source="auto")
        with pytest.raises(StartError, match="has no ledger of intake"):
            await asked(tmp_path, server.url, "daily", source="ledger")
    assert page.notes[0] == f"The ledger is not used: {tmp_path} has no ledger of intake; there are none."
    assert page.total == NO_DATA


async def test_a_hanging_one_is_given_up(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(dt.date(2026, 10, 1), dt.date(2026, 11, 20)))
    over = threading.Event()

    def hang(_: str) -> Answer:
        over.wait()
        return vector()

    with fake(hang) as server:
        try:
            page = await asked(tmp_path, server.url, "daily", source="auto", timeout="300ms")
            with pytest.raises(StartError, match=r"Prometheus did not answer within 0\.3 s"):
                await asked(tmp_path, server.url, "daily", timeout="300ms")
        finally:
            over.set()
    assert page.total == "$1.00"
    assert any("Prometheus did not answer within 0.3 s" in note for note in page.notes)


async def test_an_endless_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.prometheus_api._MAX_BYTES", 100_000)
    with (
        fake(lambda _: (200, b" " * 200_000)) as server,
        pytest.raises(StartError, match="Prometheus answers with more than 0 MiB"),
    ):
        await asked(tmp_path, server.url, "daily")


async def test_what_is_sent_along(tmp_path: Path) -> None:
    with fake(answering({})) as server:
        host = server.url.removeprefix("http://")
        await asked(tmp_path, f"http://me:geheim@{host}", "daily", headers={"X-Scope-OrgID": "agents"})
        first = _only(server)
        await asked(tmp_path, server.url, "daily", token="geheim-2")
        second = server.headers[-1]
    assert first["Authorization"] == f"Basic {base64.b64encode(b'me:geheim').decode()}"
    assert first["X-Scope-OrgID"] == "agents"
    assert second["Authorization"] == "Bearer geheim-2"


def _only(server: Fake) -> dict[str, str]:
    assert len({json.dumps(headers["Authorization"]) for headers in server.headers}) == 1
    return server.headers[-1]
