"""Reports on a ledger with known contents: exact sums, honest gaps, and days as the time zone has them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from agent_observability.config import load
from agent_observability.decode import Secret
from agent_observability.errors import StartError
from agent_observability.ledger.postgresql import PostgresqlBackend, parse_url
from agent_observability.llm_cost.metrics import PICO
from agent_observability.report.make import make
from agent_observability.report.render import as_html, as_text
from agent_observability.report.words import NO_DATA, money
from tests.ledger.cluster import Cluster
from tests.ledger.storage import families, opened
from tests.report.books import CENT, Units, Used, at, configuration, fill, sqlite, steady
from tests.report.pages import DOLLAR, MORNING, report, rows
from tests.report.year import LAST, year

DATE = dt.date


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
