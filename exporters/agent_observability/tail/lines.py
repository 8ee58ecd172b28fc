"""Cuts what was read of a log into lines."""

from __future__ import annotations

import io
from typing import NamedTuple

__all__ = ["MAX_LINE", "Piece", "cut"]

MAX_LINE = 64 * 1024
"""Bytes of a line; a longer one is passed over and counted as oversize."""


class Piece(NamedTuple):
    """`used` is the index behind what need not be read again. `skip`: that is within a line that is too long."""

    lines: list[bytes]
    used: int
    oversize: int = 0
    skip: bool = False


def cut(
    data: bytes, begin: int = 0, *, skip: bool = False, ended: bool = True, last: bool = False, most: int = 0
) -> Piece:
    """The complete lines of `data[begin:]`, each with its newline, without a `\\r` before that, without leading NULs,
    and no empty ones.

    `begin` is the start of a line, or with `skip` a place in a line that is too long. `ended` says that nothing follows
    yet. With `last` nothing ever will, so that what has no newline is a line, too. `most` bounds the number of lines.

    NULs before a line are the hole that a writer leaves which goes on at its old offset after the file was emptied.
    """
    if skip:
        found = data.find(b"\n", begin)
        if found < 0:
            return Piece([], len(data), skip=True)
        begin = found + 1
    end = data.rfind(b"\n", begin) + 1 or begin
    if most:
        end = _first(data, begin, end, most)
    lines: list[bytes] = []
    oversize = 0
    if end > begin:
        lines, oversize = _tidy(data, begin, end)
        if most and data.find(b"\n", end) >= 0:
            return Piece(lines, end, oversize)
    rest = data[end:].lstrip(b"\0")
    if len(rest) > MAX_LINE:
        return Piece(lines, len(data), oversize + 1, skip=not last)
    if last:
        if line := rest.removesuffix(b"\r"):
            lines.append(line + b"\n")
        return Piece(lines, len(data), oversize)
    # A place that has nothing but NULs before it would be found again in any other hole.
    return Piece(lines, end if ended else len(data) - len(rest), oversize)


def _first(data: bytes, begin: int, end: int, most: int) -> int:
    """The index behind the first `most` lines."""
    for _ in range(most):
        found = data.find(b"\n", begin, end)
        if found < 0:
            break
        begin = found + 1
    return begin


def _tidy(data: bytes, begin: int, end: int) -> tuple[list[bytes], int]:
    """What is rare is looked for in the whole, so that nothing is done line by line unless there is need."""
    # This finds newlines many bytes at a time, as `split` does not.
    lines = io.BytesIO(data[begin:end]).readlines()
    if data.find(b"\0", begin, end) >= 0:
        lines = [line.lstrip(b"\0") for line in lines]
    oversize = 0
    # A line that is too long fills one of these windows.
    window = MAX_LINE // 2
    if any(data.find(b"\n", at, at + window) < 0 for at in range(begin, end - window, window)):
        fitting = [line for line in lines if len(line) <= MAX_LINE + 1]
        oversize = len(lines) - len(fitting)
        lines = fitting
    # Looking for both of its bytes takes many times as long.
    if data.find(b"\r", begin, end) >= 0:
        lines = [line[:-2] + b"\n" if line.endswith(b"\r\n") else line for line in lines]
    if b"\n" in lines:
        lines = [line for line in lines if line != b"\n"]
    return lines, oversize
