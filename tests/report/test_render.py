"""Both forms of whole reports, as files that a reviewer can read, and as clients and attackers see them.

`make golden` writes the files again.
"""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent_observability.config import load
from agent_observability.report.figures import Alerts, Counts, Figures, Live
from agent_observability.report.make import make
from agent_observability.report.period import KINDS, Kind, containing, day_number
from agent_observability.report.render import as_html, as_text
from agent_observability.report.view import Page, view
from tests.report.books import CENT, Used, at, configuration, fill, sqlite
from tests.report.year import year

GOLDEN = Path(__file__).parent / "golden"
NOW = "2026-11-21T06:00:00+00:00"
EVIL = "<script>alert('x')</script>\"&\n\x1b[31m\u202e"
# Elements without an end.
_VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Checks nesting; collects elements with their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def report(folder: Path, kind: Kind) -> Page:
    await fill(sqlite(folder), year())
    section = {"dashboard_url": "https://grafana.example.org/d/agentobs-cost?a=1&b=2"}
    config = load(configuration(folder, report=section))
    return await make(config, kind, date=None, source="ledger", now=at(NOW), ledgers=folder)


@pytest.mark.golden
@pytest.mark.parametrize("kind", KINDS)
async def test_the_text_of_whole_reports(tmp_path: Path, kind: Kind, request: pytest.FixtureRequest) -> None:
    shown = as_text(await report(tmp_path, kind))
    file = GOLDEN / f"{kind}.txt"
    if request.config.getoption("--golden"):
        file.write_text(shown)
    assert shown == file.read_text()


@pytest.mark.golden
async def test_the_html_of_a_whole_report(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shown = as_html(await report(tmp_path, "weekly"))
    file = GOLDEN / "weekly.html"
    if request.config.getoption("--golden"):
        file.write_text(shown)
    assert shown == file.read_text()


@pytest.mark.parametrize("kind", KINDS)
async def test_html_needs_nothing_from_outside(tmp_path: Path, kind: Kind) -> None:
    html = as_html(await report(tmp_path, kind))
    elements = Elements(html)
    links = [attributes["href"] for _, attributes in elements.found if "href" in attributes]
    assert links == ["https://grafana.example.org/d/agentobs-cost?a=1&b=2"]
    assert not {tag for tag, _ in elements.found} & {"script", "img", "link", "iframe", "object", "form", "input"}
    for _, attributes in elements.found:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "srcset", "background")}
    assert "url(" not in html
    assert "@import" not in html


async def test_every_chart_has_a_text_that_shows_only_without_it(tmp_path: Path) -> None:
    html = as_html(await report(tmp_path, "daily"))
    charts = re.findall(r"</svg><span class=\"blocks\"[^>]*>([▁▂▃▄▅▆▇█·]+)</span>", html)
    assert len(charts) == html.count("<svg ") > 10
    assert {len(chart) for chart in charts} == {14}
    assert "svg + .blocks { display: none; }" in html


async def test_the_longest_report_is_not_cut_off(tmp_path: Path) -> None:
    """Clients show the first 100 KiB."""
    day = dt.date(2026, 11, 20)
    long = [f"{number:02}{'x' * 60}" for number in range(12)]
    await fill(
        sqlite(tmp_path),
        [
            Used(day - dt.timedelta(days=back), CENT * (99_999 + back), name, name, name, name)
            for back in range(14)
            for name in long
        ],
    )
    page = await make(load(configuration(tmp_path)), "daily", date=None, source="auto", now=at(NOW), ledgers=tmp_path)
    html = as_html(page)
    assert html.count("<svg ") == 44
    assert len(html.encode()) < 100_000


def hostile() -> Page:
    """A report in which everything that comes from elsewhere is an attack."""
    period = containing("daily", day_number(dt.date(2026, 11, 20)))
    slots = (*[None] * 12, 0, 5 * CENT)
    one, two, four = (EVIL,), (EVIL, EVIL), (EVIL, EVIL, EVIL, EVIL)
    figures = Figures(
        source="prometheus",
        end=period.last,
        slots=period.history(),
        total=slots,
        money={
            "provider": {one: slots},
            "model": {two: slots},
            "project": {one: slots},
            "feature": {one: slots},
            "driver": {four: slots},
        },
        counts=Counts(requests=5, failed=0, tokens=None, unpriced=3),
        counts_before=None,
        unpriced={two: 3},
        units={(EVIL, EVIL): (3, 2)},
        notes=[EVIL],
    )
    live = Live(
        capture={EVIL: 1.2},
        sessions={EVIL: 4},
        alerts=[Alerts(name=EVIL, severity="critical", number=1)],
        notes=[EVIL],
    )
    return view(
        period, figures, live, today=period.last + 1, made=dt.datetime(2026, 11, 21, 6, tzinfo=dt.UTC), zone="UTC"
    )


def test_labels_are_only_text() -> None:
    page = hostile()
    html = as_html(page)
    elements = Elements(html)
    assert not {tag for tag, _ in elements.found} & {"script"}
    assert elements.text.count("<script>alert('x')</script>\"&") >= 10
    assert "\n" not in page.subject
    for shown in (html, as_text(page)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_text_is_narrow() -> None:
    """Only names may be longer than a line of a mail."""
    for line in as_text(hostile()).splitlines():
        assert len(line) <= 78 or line.startswith(("    ", "<script>", "! <script>")), line
