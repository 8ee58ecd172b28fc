"""Reports on a ledger with known contents: exact sums, honest gaps, and days as the time zone has them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from agent_observability.config import load
from agent_observability.decode import Secret
from agent_observability.errors import StartError
from agent_observability.ledger.postgresql import PostgresqlBackend, parse_url
from agent_observability.llm_cost.metrics import PICO
from agent_observability.report.make import make
from agent_observability.report.render import as_html, as_text
from agent_observability.report.view import Page
from agent_observability.report.words import NO_DATA, money
from tests.ledger.cluster import Cluster
from tests.ledger.storage import families, opened
from tests.report.books import CENT, Units, Used, at, configuration, fill, sqlite, steady
from tests.report.year import LAST, year

DATE = dt.date
MORNING = "2026-11-21T06:00:00+00:00"
DOLLAR = 100 * CENT


async def report(folder: Path, kind: str, now: str = MORNING, date: str | None = None, **sections: Any) -> Page:
    config = load(configuration(folder, **sections))
    day = DATE.fromisoformat(date) if date else None
    return await make(config, kind, date=day, source="auto", now=at(now), ledgers=folder)  # type: ignore[arg-type]


def rows(page: Page, title: str) -> dict[str, list[str]]:
    """The cells of a table, by name; trends left out."""
    section = next(section for section in page.sections if section.title.startswith(title))
    return {
        row.name: [getattr(cell, "words", cell) or "" for cell in row.cells if not hasattr(cell, "values")]
        for row in section.rows
    }


async def test_totals_are_exact_in_both_forms(tmp_path: Path) -> None:
    entries = year()
    await fill(sqlite(tmp_path), entries)
    spent = [entry for entry in entries if isinstance(entry, Used)]
    for kind, first, last in (
        ("daily", LAST, LAST),
        ("weekly", DATE(2026, 11, 9), DATE(2026, 11, 15)),
        ("monthly", DATE(2026, 10, 1), DATE(2026, 10, 31)),
    ):
        page = await report(tmp_path, kind)
        total = money(sum(entry.pico for entry in spent if first <= entry.day <= last))
        assert page.total == total
        assert total in page.subject
        assert f"Total: {total}\n" in as_text(page)
        assert f">{total}</p>" in as_html(page)


async def test_sums_are_rounded_once(tmp_path: Path) -> None:
    """Parts below a cent make a cent, and half cents are not lost ten thousand times."""
    tiny = [Used(LAST, CENT // 4, project=f"p{number}") for number in range(4)]
    await fill(sqlite(tmp_path), tiny)
    page = await report(tmp_path, "daily")
    assert page.total == "$0.01"
    assert rows(page, "Projects") == {f"p{number}": ["< $0.01", "25 %", "", ""] for number in range(4)}
    assert rows(page, "Providers") == {"anthropic": ["$0.01", "100 %", "", ""]}


async def test_changes(tmp_path: Path) -> None:
    await fill(
        sqlite(tmp_path),
        [
            *steady(DATE(2026, 11, 1), DATE(2026, 11, 19)),
            Used(DATE(2026, 11, 13), 0),
            Used(LAST, 112 * CENT),
            Used(LAST, 3 * DOLLAR, provider="openai", model="gpt-5", feature="voice_architect"),
        ],
    )
    page = await report(tmp_path, "daily")
    assert [(change.words, against) for change, against in page.changes] == [
        ("up 312 %", "against Thursday"),
        ("up 312 %", "against Friday a week ago"),
    ]
    assert page.subject == "Daily report, Friday, 20 November 2026: $4.12 (up 312 %)"
    assert rows(page, "Providers") == {
        "openai": ["$3.00", "73 %", "new", "new"],
        "anthropic": ["$1.12", "27 %", "up 12 %", "up 12 %"],
    }
    drivers = next(section for section in page.sections if section.title == "Top cost drivers")
    assert [(row.name, row.detail) for row in drivers.rows] == [
        ("gpt-5", "openai · checkout · voice_architect"),
        ("claude-sonnet-4-5", "anthropic · checkout · agent_execution"),
    ]


async def test_only_three_drivers_and_ten_rows(tmp_path: Path) -> None:
    many = [Used(LAST, number * DOLLAR, project=f"p{number:02}") for number in range(1, 14)]
    await fill(sqlite(tmp_path), many)
    page = await report(tmp_path, "daily")
    drivers = next(section for section in page.sections if section.title == "Top cost drivers")
    assert [row.cells[0] for row in drivers.rows] == ["$13.00", "$12.00", "$11.00"]
    projects = rows(page, "Projects")
    assert list(projects) == [f"p{number:02}" for number in range(13, 3, -1)] + ["3 more"]
    assert projects["3 more"] == ["$6.00", "7 %", "", "", ""]


@pytest.mark.parametrize(
    ("kind", "first", "title", "days"),
    [
        ("weekly", "2026-12-28", "Week 53 of 2026, 28 December 2026 to 3 January 2027", 7),
        ("monthly", "2028-02-01", "February 2028", 29),
        ("monthly", "2027-02-01", "February 2027", 28),
        ("daily", "2028-02-29", "Tuesday, 29 February 2028", 1),
    ],
)
async def test_weeks_over_years_and_leap_days(tmp_path: Path, kind: str, first: str, title: str, days: int) -> None:
    begin = DATE.fromisoformat(first)
    await fill(sqlite(tmp_path), steady(begin - dt.timedelta(days=70), begin + dt.timedelta(days=70)))
    page = await report(tmp_path, kind, now=f"{begin + dt.timedelta(days=40)}T12:00:00+00:00", date=first)
    assert (page.period, page.total, page.status) == (title, f"${days}.00", "")


@pytest.mark.parametrize(
    ("zone", "now", "period"),
    [
        ("UTC", "2026-11-20T23:59:59+00:00", "Thursday, 19 November 2026"),
        ("UTC", "2026-11-21T00:00:00+00:00", "Friday, 20 November 2026"),
        ("Asia/Tokyo", "2026-11-20T15:00:00+00:00", "Friday, 20 November 2026"),
        ("Asia/Tokyo", "2026-11-20T14:59:59+00:00", "Thursday, 19 November 2026"),
        ("America/New_York", "2026-11-21T04:59:59+00:00", "Thursday, 19 November 2026"),
        ("Europe/Berlin", "2026-10-25T22:59:59+00:00", "Saturday, 24 October 2026"),
        ("Europe/Berlin", "2026-10-25T23:00:00+00:00", "Sunday, 25 October 2026"),
        ("Europe/Berlin", "2026-03-29T21:59:59+00:00", "Saturday, 28 March 2026"),
        ("Europe/Berlin", "2026-03-29T22:00:00+00:00", "Sunday, 29 March 2026"),
    ],
)
async def test_days_are_those_of_the_time_zone(tmp_path: Path, zone: str, now: str, period: str) -> None:
    await fill(sqlite(tmp_path), steady(DATE(2026, 1, 1), LAST))
    page = await report(tmp_path, "daily", now=now, llm_cost={"time_zone": zone})
    assert (page.period, page.total) == (period, "$1.00")
    assert f"({zone})" in page.made


@pytest.mark.parametrize("kind", ["daily", "weekly", "monthly"])
async def test_a_period_that_is_not_over(tmp_path: Path, kind: str) -> None:
    await fill(sqlite(tmp_path), steady(DATE(2026, 8, 1), DATE(2026, 11, 21)))
    page = await report(tmp_path, kind, date="2026-11-21")
    days = {"daily": 1, "weekly": 6, "monthly": 21}[kind]
    assert page.total == f"${days}.00 so far"
    assert page.status.endswith("is not over: figures are what is known so far, and not compared.")
    assert page.changes == ()
    assert " vs " not in as_text(page)
    assert "unchanged" not in as_text(page)
    assert rows(page, "November 2026 up to the 21st")["Month to date"] == ["$21.00", "2 %"]


async def test_no_data_is_no_zero(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(DATE(2026, 11, 1), DATE(2026, 11, 18)))
    page = await report(tmp_path, "daily")
    assert page.total == NO_DATA
    [warning] = page.warnings
    assert warning.startswith("No data: nothing is known of this period")
    text = as_text(page)
    assert "$0.00" not in text.partition("November 2026 up to")[0]
    assert rows(page, "Requests and tokens") == {}
    assert rows(page, "November 2026 up to the 20th")["Month to date"] == ["$18.00", "2 %"]


async def test_a_ledger_without_usage(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), [Units(LAST, "agent_execution", "session", 3)])
    page = await report(tmp_path, "monthly")
    assert page.total == NO_DATA
    assert "The ledger holds no usage at all." in page.notes
    assert "$0" not in as_text(page)


@pytest.mark.parametrize(
    ("first", "kind", "note", "change"),
    [
        ("2026-11-18", "weekly", "The ledger begins on 2026-11-18, after this period.", None),
        (
            "2026-11-12",
            "weekly",
            "The ledger begins on 2026-11-12: the days of this period before are missing.",
            None,
        ),
        ("2026-11-04", "weekly", "The ledger begins on 2026-11-04: the days of the month before are missing.", None),
        (
            "2026-11-02",
            "weekly",
            "The ledger begins on 2026-11-02: the days of the month before are missing.",
            "unchanged",
        ),
        ("2026-10-20", "weekly", "", "unchanged"),
    ],
)
async def test_a_young_ledger(tmp_path: Path, first: str, kind: str, note: str, change: str | None) -> None:
    """A week of which a part is missing is never what another is compared with."""
    await fill(sqlite(tmp_path), steady(DATE.fromisoformat(first), LAST))
    page = await report(tmp_path, kind)
    assert [text for text in page.notes if text.startswith("The ledger begins")] == ([note] if note else [])
    assert [found.words for found, _ in page.changes] == ([change] if change else [])


async def test_days_without_usage_are_told(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), [*steady(DATE(2026, 10, 1), DATE(2026, 11, 10)), Used(DATE(2026, 11, 14), DOLLAR)])
    page = await report(tmp_path, "weekly")
    assert page.total == "$3.00"
    assert "4 days of 7 without any usage." in page.notes


async def test_unpriced_requests_are_a_loud_warning(tmp_path: Path) -> None:
    bad = {"requests": 12, "unpriced": 12}
    await fill(
        sqlite(tmp_path),
        [
            Used(LAST, 0, "acme", "own", amounts=bad),
            Used(LAST, 0, "acme", "priced-later", amounts=bad),
            Used(LAST, 5 * DOLLAR, "acme", "priced-later", amounts={"requests": 0, "unpriced": -12}),
        ],
    )
    page = await report(tmp_path, "daily")
    [warning] = page.warnings
    assert warning.startswith("12 requests have no price, and the cost is missing from every sum here: acme own (12).")
    assert "WARNING: 12 requests have no price" in as_text(page)
    assert rows(page, "Requests and tokens")["Without a price"][0] == "12"


async def test_budgets(tmp_path: Path) -> None:
    budgets = [
        {"name": "all", "usd": 10.1, "period": "month"},
        {"name": "per-day", "usd": 1, "period": "day"},
        {"name": "openai", "usd": 4, "period": "month", "scope": "provider", "key": "openai"},
        {"name": "search", "usd": 0.5, "period": "day", "scope": "project", "key": "search"},
        {"name": "voice", "usd": 1, "period": "month", "scope": "feature", "key": "voice_architect"},
    ]
    await fill(
        sqlite(tmp_path),
        [
            *steady(DATE(2026, 10, 1), LAST, DOLLAR // 2),
            Used(DATE(2026, 11, 10), DOLLAR, "openai", "gpt-5", "search", "voice_architect"),
        ],
    )
    page = await report(tmp_path, "weekly", llm_cost={"budgets": budgets})
    assert rows(page, "Budgets") == {
        "all (total)": ["$8.50", "$10.10", "84 %"],
        "per-day (total)": ["$1.50", "$1.00", "150 %"],
        "openai (provider openai)": ["$1.00", "$4.00", "25 %"],
        "search (project search)": ["$1.00", "$0.50", "200 %"],
        "voice (feature voice_architect)": ["$1.00", "$1.00", "100 %"],
    }
    section = next(section for section in page.sections if section.title == "Budgets")
    assert [(row.loud, row.detail) for row in section.rows] == [
        (False, "per month, month to date"),
        (True, "per day, the dearest day; over on 1 of 7 days"),
        (False, "per month, month to date"),
        (True, "per day, the dearest day; over on 1 of 7 days"),
        (True, "per month, month to date"),
    ]
    assert rows(page, "November 2026 up to the 15th") == {
        "Month to date": ["$8.50", "84 %"],
        "Projected at its end": [NO_DATA, ""],
        "Budget of the month": ["$10.10", ""],
    }


async def test_cost_per_unit_and_tokens(tmp_path: Path) -> None:
    tokens = {"requests": 1000, "failed": 14, "input": 30, "cache_read": 60, "cache_write": 10, "output": 5}
    await fill(
        sqlite(tmp_path),
        [
            Used(DATE(2026, 11, 19), 8 * DOLLAR, amounts={**tokens, "requests": 500}),
            Units(DATE(2026, 11, 19), "agent_execution", "session", 4),
            Used(LAST, 10 * DOLLAR, amounts=tokens),
            Units(LAST, "agent_execution", "session", 3),
            Units(LAST, "e2e_generation", "test", 7),
        ],
    )
    page = await report(tmp_path, "daily")
    assert rows(page, "Cost per session") == {
        "session of agent_execution": ["$3.33", "3", "up 67 %"],
        "test of e2e_generation": [NO_DATA, "7", ""],
    }
    assert rows(page, "Requests and tokens") == {
        "Requests": ["1,000", "up 100 %"],
        "Failed": ["1.4 %", "was 2.8 %"],
        "Without a price": ["0", ""],
        "Tokens": ["105", "unchanged"],
        "– input": ["30", "unchanged"],
        "– read from a cache": ["60", "unchanged"],
        "– written to a cache": ["10", "unchanged"],
        "– output": ["5", "unchanged"],
        "Cached share of input": ["60 %", "was 60 %"],
    }


async def test_beside_a_running_exporter(tmp_path: Path) -> None:
    async with opened(sqlite(tmp_path), families(), clock=lambda: at(MORNING)):
        page = await report(tmp_path, "daily")
        assert page.total == NO_DATA
    await fill(sqlite(tmp_path), steady(LAST, LAST))
    async with opened(sqlite(tmp_path), families(), clock=lambda: at(MORNING)):
        assert (await report(tmp_path, "daily")).total == "$1.00"


async def test_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    url = cluster.url().reveal()
    await fill(PostgresqlBackend(parse_url(Secret(url)), "intake"), [*steady(DATE(2026, 10, 1), LAST, PICO + CENT)])
    config = configuration(tmp_path, ledger={"url": url})
    page = await make(load(config), "monthly", date=None, source="ledger", now=at(MORNING), ledgers=tmp_path)
    assert page.total == "$31.31"


async def test_a_broken_ledger(tmp_path: Path) -> None:
    (tmp_path / "intake.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(StartError, match=r"intake\.db: .*; neither --prometheus nor report\.prometheus says"):
        await report(tmp_path, "daily")


async def test_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="has no ledger of intake; there are none; neither --prometheus"):
        await report(tmp_path, "daily")


async def test_a_period_that_has_not_begun(tmp_path: Path) -> None:
    await fill(sqlite(tmp_path), steady(LAST, LAST))
    with pytest.raises(StartError, match=r"--date 2026-11-23: week 48 of 2026, 23 to 29 November has not begun"):
        await report(tmp_path, "weekly", date="2026-11-23")
