"""Bytes in, lines out: by table, and however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.tail.lines import MAX_LINE, Piece, cut


def whole(lines: list[bytes], used: int, oversize: int = 0, *, skip: bool = False) -> Piece:
    return Piece([line + b"\n" for line in lines], used, oversize, skip)


LONG = b"x" * (MAX_LINE + 1)
FITS = b"x" * MAX_LINE


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", whole([], 0)),
        (b"a\nb\n", whole([b"a", b"b"], 4)),
        (b"a\nb", whole([b"a"], 2)),
        (b"a", whole([], 0)),
        (b"\n\n\r\n \n", whole([b" "], 6)),
        (b"a\r\nb\r\r\n", whole([b"a", b"b\r"], 7)),
        (b"a\rb\n", whole([b"a\rb"], 4)),
        (b"\0\0a\n\0b\0\n", whole([b"a", b"b\0"], 8)),
        (b"\0\0\0", whole([], 0)),
        (b"a\n\0\0\0", whole([b"a"], 2)),
        (b"a\n\0\0b", whole([b"a"], 2)),
        (b"\xff\xfe\n", whole([b"\xff\xfe"], 3)),
        (FITS + b"\n", whole([FITS], MAX_LINE + 1)),
        (FITS, whole([], 0)),
        (b"\0" + FITS, whole([], 0)),
        (LONG + b"\nb\n", whole([b"b"], MAX_LINE + 4, 1)),
        (b"a\n" + LONG, whole([b"a"], MAX_LINE + 3, 1, skip=True)),
        (LONG + b"\n" + LONG, whole([], 2 * MAX_LINE + 3, 2, skip=True)),
    ],
)
def test_what_is_there(data: bytes, expected: Piece) -> None:
    assert cut(data) == expected
    before = b"c\r\n"
    assert cut(before + data, len(before)) == expected._replace(used=expected.used + len(before))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"rest", whole([], 4, skip=True)),
        (b"rest\n", whole([], 5)),
        (b"rest\na\nb", whole([b"a"], 7)),
        (b"rest\n" + LONG, whole([], MAX_LINE + 6, 1, skip=True)),
    ],
)
def test_within_a_line_that_is_too_long(data: bytes, expected: Piece) -> None:
    assert cut(data, skip=True) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb", whole([b"a", b"b"], 3)),
        (b"a\r", whole([b"a"], 2)),
        (b"a\n\0\0", whole([b"a"], 4)),
        (LONG, whole([], MAX_LINE + 1, 1)),
    ],
)
def test_the_last_line_of_all(data: bytes, expected: Piece) -> None:
    assert cut(data, last=True) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb\nc\n", whole([b"a", b"b"], 4)),
        (b"a\nb\n", whole([b"a", b"b"], 4)),
        (b"a\n\nc\n", whole([b"a"], 3)),
        (b"a", whole([], 0)),
    ],
)
def test_no_more_lines_than_wanted(data: bytes, expected: Piece) -> None:
    assert cut(data, most=2) == expected


def test_zeros_that_something_follows_are_passed() -> None:
    assert cut(b"\0" * 100, ended=False) == whole([], 100)
    assert cut(b"\0" * 100 + b"a", ended=False) == whole([], 100)


def _expected(data: bytes) -> tuple[list[bytes], int]:
    """Line by line, as `cut` must come out whatever it is given at once."""
    lines, oversize = [], 0
    for line in data.split(b"\n"):
        rest = line.lstrip(b"\0")
        if len(rest) > MAX_LINE:
            oversize += 1
        elif rest := rest.removesuffix(b"\r"):
            lines.append(rest + b"\n")
    return lines, oversize


# By name, since hypothesis shows what it has tried.
NAMED = {"long": LONG, "fits": FITS, "line": b"\n", "windows": b"\r\n", "zero": b"\0", "zeros": b"\0\0\n"}


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(sorted(NAMED)), st.binary(max_size=20))),
    st.lists(st.integers(1, 3 * MAX_LINE), min_size=1),
    st.integers(0, 3),
)
def test_it_does_not_matter_how_bytes_arrive(parts: list[str | bytes], steps: list[int], most: int) -> None:
    data = b"".join(NAMED[part] if isinstance(part, str) else part for part in parts)
    lines: list[bytes] = []
    oversize, at, skip, end, turn = 0, 0, False, 0, 0
    while True:
        piece = cut(data[at:end], skip=skip, ended=end == len(data), most=most)
        lines += piece.lines
        oversize += piece.oversize
        skip = piece.skip
        at += piece.used
        if piece.used and most:
            continue
        if end == len(data):
            break
        end = min(len(data), end + steps[turn % len(steps)])
        turn += 1
    piece = cut(data[at:], skip=skip, last=True)
    assert (lines + piece.lines, oversize + piece.oversize) == _expected(data)
    assert at + piece.used == len(data)
