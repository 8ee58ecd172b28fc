"""The number that an alert's value is compared with, and the place where it stands."""

from __future__ import annotations

import pytest

from helm.alerts import Threshold, threshold


@pytest.mark.parametrize(
    ("expr", "number", "with_hole"),
    [
        ("a > 0.9", 0.9, "a > @threshold@"),
        ("a{b='> 1'} >= 1", 1, "a{b='> 1'} >= @threshold@"),
        ('a{b=~"x > 5"} < 5', 5, 'a{b=~"x > 5"} < @threshold@'),
        ("(a > 1)", 1, "(a > @threshold@)"),
        ("a > 0.5 unless b == 1", 0.5, "a > @threshold@ unless b == 1"),
        ("(a > 0.7 and b < 0) unless c == 1", 0.7, "(a > @threshold@ and b < 0) unless c == 1"),
        ("(a + b) / (c > 10) > 0.01", 0.01, "(a + b) / (c > 10) > @threshold@"),
        ("(a > 10) / (b > 10) > 10", 10, "(a > 10) / (b > 10) > @threshold@"),
        ("rate(a[5m])\n  > 1e-3", 0.001, "rate(a[5m])\n  > @threshold@"),
        ("abs(a - b)>10", 10, "abs(a - b)>@threshold@"),
        ("a > -1", -1, "a > @threshold@"),
    ],
)
def test_found(expr: str, number: float, with_hole: str) -> None:
    assert threshold(expr) == Threshold(number, with_hole)


@pytest.mark.parametrize(
    "expr",
    [
        "up == 0",
        "absent(up)",
        "vector(1)",
        "a > b",
        "a == 1 and b > 2",
        "a > 1 or b > 2",
        "0.9 < a",
        "a != 3",
    ],
)
def test_none(expr: str) -> None:
    assert threshold(expr) is None
