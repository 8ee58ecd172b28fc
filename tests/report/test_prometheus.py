"""Reports out of Prometheus: a real one with two weeks in it, and ones that refuse, hang or talk nonsense."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_observability.config import load
from agent_observability.errors import StartError
from agent_observability.report.days import increase_of
from agent_observability.report.days import spent_on as moments_of
from agent_observability.report.make import make
from agent_observability.report.period import Kind, day_number
from agent_observability.report.render import as_text
from agent_observability.report.view import Page
from agent_observability.report.words import NO_DATA
from tests.prometheus.server import Prometheus
from tests.report.books import CENT, at, configuration, fill, sqlite, steady
from tests.report.fake_prometheus import Answer, Fake, fake, refused, vector
from tests.report.past import CALENDAR, FIRST, LAST, NOW, SHARES, past, spent_on
from tests.report.test_ledger import rows

BERLIN = {"time_zone": "Europe/Berlin"}
MORNING = at("2026-11-21T06:00:00+00:00")


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with past(tmp_path_factory.mktemp("past")) as server:
        yield server


async def report(folder: Path, url: str, kind: Kind, source: str = "prometheus", **options: Any) -> Page:
    now, date = options.pop("now", MORNING), options.pop("date", None)
    zone = options.pop("llm_cost", {})
    config = load(configuration(folder, llm_cost=zone, report={"prometheus": url, "prometheus_options": options}))
    return await make(config, kind, date=date, source=source, now=now, ledgers=folder)


def dollars(first: int, last: int, *models: str) -> str:
    """What was really spent from day to day, by all or some of the models."""
    spent = sum(
        spent_on(day, share)
        for day in range(first, last + 1)
        for (_, model, _, _), share in SHARES.items()
        if not models or model in models
    )
    return f"${spent:,.2f}"


@pytest.mark.stack
@pytest.mark.parametrize(
    ("kind", "date", "first", "last", "changes"),
    [
        ("daily", None, LAST - 1, LAST - 1, ["up 4 %", "up 41 %"]),
        ("daily", "2026-10-25", LAST - 2, LAST - 2, ["up 5 %", "up 44 %"]),  # 25 hours
        ("weekly", None, FIRST + 7, FIRST + 13, ["up 54 %"]),
        ("weekly", "2026-10-15", FIRST, FIRST + 6, []),
    ],
)
async def test_a_real_one(
    remembering: Prometheus, tmp_path: Path, kind: Kind, date: str | None, first: int, last: int, changes: list[str]
) -> None:
    day = dt.date.fromisoformat(date) if date else None
    page = await report(tmp_path, remembering.base, kind, now=NOW, date=day, llm_cost=BERLIN)
    assert page.total == dollars(first, last)
    assert [change.words for change, _ in page.changes] == changes
    anthropic = ("opus", "haiku")
    for title, parts in {
        "Providers": {"anthropic": anthropic, "openai": ("gpt",)},
        "Projects": {"checkout": anthropic, 'se"arch': ("gpt",)},
        "Features": {"agent_execution": anthropic, "voice_architect": ("gpt",)},
        "Models": {"opus": ("opus",), "gpt": ("gpt",), "haiku": ("haiku",)},
        "Top cost drivers": {"opus": ("opus",), "gpt": ("gpt",), "haiku": ("haiku",)},
    }.items():
        found = {name: cells[0] for name, cells in rows(page, title).items()}
        assert found == {name: dollars(first, last, *models) for name, models in parts.items()}
    drivers = next(section for section in page.sections if section.title == "Top cost drivers")
    assert drivers.rows[1].detail == 'openai · se"arch · voice_architect'
    used = rows(page, "Requests and tokens")
    requests = 100 * sum(spent_on(day, 6) for day in range(first, last + 1))
    assert int(used["Requests"][0].replace(",", "")) == pytest.approx(requests, rel=0.005)
    assert (used["Failed"][0], used["Cached share of input"][0]) == ("1.0 %", "60 %")
    assert any(note.startswith("Figures are approximate") for note in page.notes)
    assert "requests have no price" in page.warnings[0]


@pytest.mark.stack
async def test_what_only_prometheus_knows(remembering: Prometheus, tmp_path: Path) -> None:
    page = await report(tmp_path, remembering.base, "daily", now=NOW, llm_cost=BERLIN)
    ever = sum(spent_on(day, 6) for day in range(FIRST, LAST))
    month = rows(page, "October 2026 up to the 26th")
    assert month["Budget of the month"] == ["$200.00", ""]
    shown = {name: float(cells[0].removeprefix("$")) for name, cells in month.items() if " to $" not in cells[0]}
    # Two minutes lie between the samples, and the last one is from before midnight.
    assert shown["Month to date"] == pytest.approx(ever, abs=0.05)
    assert shown["Projected at its end"] == pytest.approx(ever + 100, abs=0.05)
    low, high = (float(text.removeprefix("$")) for text in month["Four of five months end within"][0].split(" to "))
    assert (low, high) == (pytest.approx(ever + 80, abs=0.05), pytest.approx(ever + 120, abs=0.05))
    assert list(rows(page, "Budgets")) == ["a-day (total)", "a-month (total)"]
    assert rows(page, "Metered of billed") == {"anthropic": ["91 %"]}
    sessions = rows(page, "Sessions")
    assert sessions["Completion rate"] == ["75 %", "was 75 %"]
    assert list(sessions) == ["Ended", "Completion rate", "– completed", "– failed"]
    assert rows(page, "Alerts firing now") == {"NodeDown": ["critical", "1"], "LlmBudgetUsed": ["warning", "2"]}
    assert "session of agent_execution" in rows(page, "Cost per session")


@pytest.mark.stack
async def test_a_day_that_is_not_over(remembering: Prometheus, tmp_path: Path) -> None:
    page = await report(tmp_path, remembering.base, "daily", now=NOW, date=dt.date(2026, 10, 27), llm_cost=BERLIN)
    spent = spent_on(LAST, 6) * CALENDAR.passed(NOW)
    assert page.total == f"${spent:.2f} so far"
    assert page.changes == ()


@pytest.mark.stack
async def test_a_ledger_and_what_prometheus_adds(remembering: Prometheus, tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(dt.date(2026, 10, 1), dt.date(2026, 10, 26)))
    page = await report(tmp_path, remembering.base, "daily", source="auto", now=NOW, llm_cost=BERLIN)
    assert page.total == "$1.00"
    assert page.made.endswith("from the ledger.")
    assert list(rows(page, "Alerts firing now")) == ["NodeDown", "LlmBudgetUsed"]
    assert not any("approximate" in note for note in page.notes)


@pytest.mark.stack
async def test_another_cluster_has_nothing(remembering: Prometheus, tmp_path: Path) -> None:
    page = await report(tmp_path, remembering.base, "weekly", now=NOW, llm_cost=BERLIN, cluster='we"st')
    assert page.total == NO_DATA
    assert page.warnings[0].startswith("No data: ")
    assert "$" not in as_text(page)


@pytest.mark.stack
async def test_days_that_prometheus_does_not_know(remembering: Prometheus, tmp_path: Path) -> None:
    date = dt.date(2026, 10, 31)
    page = await report(tmp_path, remembering.base, "monthly", now=at("2026-11-02T06:00:00+01:00"), date=date)
    missing = [note for note in page.notes if note.startswith("Prometheus has nothing of ")]
    assert missing == [
        "Prometheus has nothing of 2026-10-01, 2026-10-02, 2026-10-03, 2026-10-04, 2026-10-05, 2026-10-06, 2026-10-07 "
        "and 8 more: sums are without those days."
    ]


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
        page = await report(tmp_path, server.url, "daily")
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
            await report(tmp_path, server.url, "daily")
        assert len(str(raised.value)) < 400


async def test_without_prometheus_the_ledger_is_enough(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(dt.date(2026, 10, 1), dt.date(2026, 11, 20), 123 * CENT))
    page = await report(tmp_path, "http://user:geheim@127.0.0.1:9", "daily", source="auto")
    assert page.total == "$1.23"
    [note] = [note for note in page.notes if "does not answer" in note]
    assert note.startswith("No projection, bills, alerts, sessions: Prometheus does not answer: ")
    assert "geheim" not in as_text(page)


async def test_auto_says_why_the_ledger_is_not_used(tmp_path: Path) -> None:
    with fake(answering({})) as server:
        page = await report(tmp_path, server.url, "daily", source="auto")
        with pytest.raises(StartError, match="has no ledger of intake"):
            await report(tmp_path, server.url, "daily", source="ledger")
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
            page = await report(tmp_path, server.url, "daily", source="auto", timeout="300ms")
            with pytest.raises(StartError, match=r"Prometheus did not answer within 0\.3 s"):
                await report(tmp_path, server.url, "daily", timeout="300ms")
        finally:
            over.set()
    assert page.total == "$1.00"
    assert any("Prometheus did not answer within 0.3 s" in note for note in page.notes)


async def test_an_endless_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.report.prometheus._MAX_BYTES", 100_000)
    with (
        fake(lambda _: (200, b" " * 200_000)) as server,
        pytest.raises(StartError, match="Prometheus answers with more than 0 MiB"),
    ):
        await report(tmp_path, server.url, "daily")


async def test_what_is_sent_along(tmp_path: Path) -> None:
    with fake(answering({})) as server:
        host = server.url.removeprefix("http://")
        await report(tmp_path, f"http://me:geheim@{host}", "daily", headers={"X-Scope-OrgID": "agents"})
        first = _only(server)
        await report(tmp_path, server.url, "daily", token="geheim-2")
        second = server.headers[-1]
    assert first["Authorization"] == f"Basic {base64.b64encode(b'me:geheim').decode()}"
    assert first["X-Scope-OrgID"] == "agents"
    assert second["Authorization"] == "Bearer geheim-2"


def _only(server: Fake) -> dict[str, str]:
    assert len({json.dumps(headers["Authorization"]) for headers in server.headers}) == 1
    return server.headers[-1]


def test_days_have_their_real_length() -> None:
    spring = day_number(dt.date(2026, 3, 29))
    found = {
        moment.day: moment.query
        for moment in increase_of(
            CALENDAR, [spring - 1, spring, FIRST + 13, LAST, LAST + 1], NOW, lambda window: window
        )
    }
    assert found == {
        spring - 1: "86400s",
        spring: "82800s",
        FIRST + 13: "90000s",
        LAST: "23400s",  # of the present day, so far
    }


@pytest.mark.parametrize(
    ("minutes", "query", "late"),
    [
        (5, "llm_cost_today_usd 600s", -1),
        (10, "llm_cost_today_usd 600s", -1),
        (11, "llm_cost_yesterday_usd 600s", 11 * 60),
        (120, "llm_cost_yesterday_usd 7140s", 120 * 60),
        (900, "llm_cost_yesterday_usd 18000s", 6 * 3600),
    ],
)
def test_which_gauge_tells_a_day(minutes: int, query: str, late: int) -> None:
    """Right after midnight, yesterday may still be shown as today; later, what came in late is there."""
    end = CALENDAR.begin_of(LAST)
    [moment] = moments_of(CALENDAR, [LAST - 1], end + 60 * minutes, lambda gauge, window: f"{gauge} {window}")
    assert (moment.query, moment.time - end) == (query, late)
