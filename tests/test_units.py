from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.units import Duration, Size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("1m500ms", 60.5),
        ("0s", 0),
        (0, 0),
        (0.0, 0),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert Duration.parse(text) == seconds
    assert type(Duration.parse(text)) is Duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "30",
        30,
        1.5,
        -1,
        "-30s",
        "30x",
        "30 sec",
        "1h30",
        "1h,30m",
        "30S",
        "1e3s",
        ".5s",
        "30s ago",
        None,
        True,
        False,
        [],
        b"30s",
        "9" * 400 + "s",
    ],
)
def test_refused_durations(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as 30s, 5m or 1h30m"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (4096, 4096),
        ("4096", 4096),
        ("10B", 10),
        ("64KiB", 65536),
        ("64 KiB", 65536),
        ("1KB", 1000),
        ("10MB", 10**7),
        ("2MiB", 2**21),
        ("3GB", 3 * 10**9),
        ("10GiB", 10 * 2**30),
        ("1TB", 10**12),
        ("1TiB", 2**40),
        ("1.5KiB", 1536),
        ("1.001KB", 1001),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert Size.parse(text) == size
    assert type(Size.parse(text)) is Size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, "a size such as 64KiB, 10MB or 4096")
            for text in ("", "B", "-1", -1, 1.5, "64kb", "64K", "1e3", "10 M B")
        ),
        *((text, "a size such as 64KiB, 10MB or 4096") for text in (None, True, [], "KiB64", "64KiB ", "0x10")),
        ("0.5B", "a whole number of bytes"),
        ("1.0001KB", "a whole number of bytes"),
    ],
)
def test_refused_sizes(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Size.parse(text)


@given(st.one_of(st.text(), st.from_regex(r"(\d+(\.\d+)? ?(ms|s|m|h|d|w|KiB|MB|B)? ?)+", fullmatch=True)))
def test_any_text_is_a_finite_value_or_refused(text: str) -> None:
    for unit in (Duration, Size):
        try:
            value = unit.parse(text)
        except ValueError as error:
            assert str(error) in (unit.expected, "a whole number of bytes")
        else:
            assert value >= 0
            assert math.isfinite(value) or unit is Size


@given(st.integers(0, 100), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, seconds: int, milliseconds: int) -> None:
    assert Duration.parse(f"{hours}h{seconds}s{milliseconds}ms") == pytest.approx(
        hours * 3600 + seconds + milliseconds / 1000
    )
