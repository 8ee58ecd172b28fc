"""How money, numbers, shares, changes and foreign names are written, and how small charts look."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.llm_cost.metrics import PICO
from agent_observability.report.sparkline import blocks, svg
from agent_observability.report.words import change, money, named, share

CENT = PICO // 100


@pytest.mark.parametrize(
    ("pico", "shown"),
    [
        (None, "no data"),
        (0, "$0.00"),
        (1, "< $0.01"),
        (CENT - 1, "< $0.01"),
        (CENT, "$0.01"),
        (Fraction(CENT, 3), "< $0.01"),
        (Fraction(10 * PICO, 3), "$3.33"),
        (149 * CENT // 100, "$0.01"),
        (151 * CENT // 100, "$0.02"),
        (1_234_567 * PICO + 50 * CENT, "$1,234,567.50"),
        (999_999 * CENT + CENT - 1, "$10,000.00"),
        (10**30 + CENT, "$1,000,000,000,000,000,000.01"),
        (-320 * CENT, "-$3.20"),
        (-1, "> -$0.01"),
    ],
)
def test_money(pico: int | None, shown: str) -> None:
    assert money(pico) == shown


@given(st.integers(0, 10**24))
def test_money_is_rounded_to_the_nearest_cent(pico: int) -> None:
    shown = money(pico)
    if shown == "< $0.01":
        assert 0 < pico < CENT
    else:
        cents = int(shown.removeprefix("$").replace(",", "").replace(".", ""))
        assert abs(cents * CENT - pico) * 2 <= CENT


@pytest.mark.parametrize(
    ("now", "before", "symbols", "words"),
    [
        (112, 100, "▲ 12 %", "up 12 %"),
        (97, 100, "▼ 3 %", "down 3 %"),
        (0, 100, "▼ 100 %", "down 100 %"),
        (100, 100, "± 0 %", "unchanged"),
        (1001, 1000, "▲ < 1 %", "up < 1 %"),
        (999, 1000, "▼ < 1 %", "down < 1 %"),
        (5, 0, "new", "new"),
        (12_513 * 10**12, 10**12, "▲ 1,251,200 %", "up 1,251,200 %"),
    ],
)
def test_change(now: int, before: int, symbols: str, words: str) -> None:
    found = change(now, before)
    assert found is not None
    assert (found.symbols, found.words) == (symbols, words)


@pytest.mark.parametrize(("now", "before"), [(None, 1), (1, None), (None, None), (0, 0)])
def test_no_change_can_be_told(now: int | None, before: int | None) -> None:
    assert change(now, before) is None


@pytest.mark.parametrize(
    ("part", "whole", "digits", "shown"),
    [
        (37, 100, 0, "37 %"),
        (0, 100, 0, "0 %"),
        (100, 100, 0, "100 %"),
        (1, 1000, 0, "< 1 %"),
        (999, 1000, 0, "> 99 %"),
        (14, 1000, 1, "1.4 %"),
        (1, 10_000, 1, "< 0.1 %"),
        (0, 7, 1, "0.0 %"),
        (331, 100, 0, "331 %"),
        (12_345, 100, 0, "12,345 %"),
        (1, 0, 0, "–"),
        (None, 5, 0, "no data"),
        (5, None, 0, "no data"),
    ],
)
def test_share(part: int | None, whole: int | None, digits: int, shown: str) -> None:
    assert share(part, whole, digits) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("checkout", "checkout"),
        ("", "(none)"),
        ("\n\t ", "(none)"),
        ("a\x1b[31mb\r\nBcc: c", "a [31mb Bcc: c"),
        ("__overflow__", "all others (past the limit)"),
        ("x" * 49, "x" * 47 + "…"),
        ("\u202egnirts", "gnirts"),
    ],
)
def test_names(label: str, shown: str) -> None:
    assert named(label) == shown


def test_blocks() -> None:
    assert blocks([0, 1, 50, 100, None]) == "▁▁▅█·"
    assert blocks([0, 0]) == "▁▁"
    assert blocks([None]) == "·"


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**24)), min_size=1, max_size=14))
def test_a_chart_is_sound_and_stays_within_its_frame(values: list[int | None]) -> None:
    picture = ElementTree.fromstring(str(svg(values, '"<&')))
    assert picture.get("aria-label") == '"<&'
    width, height = (float(picture.get(name) or 0) for name in ("width", "height"))
    paths = [path.get("d") or "" for path in picture]
    bars = re.findall(r"M(\d+) 18v-(\d+)h5V18z", "".join(paths))
    assert "".join(f"M{x} 18v-{high}h5V18z" for x, high in bars) == "".join(paths)
    assert [int(x) for x, _ in bars] == [7 * index for index, value in enumerate(values) if value is not None]
    assert all(int(x) + 5 <= width and 1 <= int(high) <= height for x, high in bars)
    assert (paths[1] == "") == (values[-1] is None)
    assert len(blocks(values)) == len(values)
