"""Reports out of a real Prometheus with two weeks in it, one day of which has 25 hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_observability.report.days import increase_of
from agent_observability.report.days import spent_on as moments_of
from agent_observability.report.period import Kind, day_number
from agent_observability.report.render import as_text
from agent_observability.report.words import NO_DATA
from tests.prometheus.server import Prometheus
from tests.report.books import at, fill, sqlite, steady
from tests.report.pages import asked, rows
from tests.report.past import CALENDAR, FIRST, LAST, NOW, SHARES, past, spent_on

BERLIN = {"time_zone": "Europe/Berlin"}


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with past(tmp_path_factory.mktemp("past")) as server:
        yield server


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
    page = await asked(tmp_path, remembering.base, kind, now=NOW, date=day, llm_cost=BERLIN)
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
    page = await asked(tmp_path, remembering.base, "daily", now=NOW, llm_cost=BERLIN)
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
    page = await asked(tmp_path, remembering.base, "daily", now=NOW, date=dt.date(2026, 10, 27), llm_cost=BERLIN)
    spent = spent_on(LAST, 6) * CALENDAR.passed(NOW)
    assert page.total == f"${spent:.2f} so far"
    assert page.changes == ()


@pytest.mark.stack
async def test_a_ledger_and_what_prometheus_adds(remembering: Prometheus, tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(dt.date(2026, 10, 1), dt.date(2026, 10, 26)))
    page = await asked(tmp_path, remembering.base, "daily", source="auto", now=NOW, llm_cost=BERLIN)
    assert page.total == "$1.00"
    assert page.made.endswith("from the ledger.")
    assert list(rows(page, "Alerts firing now")) == ["NodeDown", "LlmBudgetUsed"]
    assert not any("approximate" in note for note in page.notes)


@pytest.mark.stack
async def test_another_cluster_has_nothing(remembering: Prometheus, tmp_path: Path) -> None:
    page = await asked(tmp_path, remembering.base, "weekly", now=NOW, llm_cost=BERLIN, cluster='we"st')
    assert page.total == NO_DATA
    assert page.warnings[0].startswith("No data: ")
    assert "$" not in as_text(page)


@pytest.mark.stack
async def test_days_that_prometheus_does_not_know(remembering: Prometheus, tmp_path: Path) -> None:
    date = dt.date(2026, 10, 31)
    page = await asked(tmp_path, remembering.base, "monthly", now=at("2026-11-02T06:00:00+01:00"), date=date)
    missing = [note for note in page.notes if note.startswith("Prometheus has nothing of ")]
    assert missing == [
        "Prometheus has nothing of 2026-10-01, 2026-10-02, 2026-10-03, 2026-10-04, 2026-10-05, 2026-10-06, 2026-10-07 "
        "and 8 more: sums are without those days."
    ]


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
