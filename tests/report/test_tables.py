"""The tables of a report: what stands in them, in which order, and what is loud."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from agent_observability.report.render import as_text
from agent_observability.report.words import NO_DATA
from tests.report.books import CENT, Units, Used, fill, sqlite, steady
from tests.report.pages import DOLLAR, report, rows
from tests.report.year import LAST

DATE = dt.date


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
