"""Logs that begin with the same lines each time: neither for copies of each other, nor for lines that were read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered
from tests.tail.rotating import copytruncate, rename

HEADERS = {
    "one line": [b"-- audit log --"],
    "several": [b"-- audit log --", b"-- of the credential proxy --", b"--"],
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("kind", ["rename", "copytruncate", "restart"])
@pytest.mark.parametrize("first", [0, 1])
def test_rotated(log: Path, header: list[bytes], kind: str, read: bool, first: int) -> None:
    """`first` lines are in the new file when it is seen."""
    append(log, *header, *numbered(0, 10))
    following = Following(log)
    following.poll()
    append(log, *numbered(10, 15))
    if read:
        following.poll()
    (copytruncate if kind == "copytruncate" else rename)(log)
    append(log, *header, *numbered(15, 15 + first))
    if kind == "restart":
        following.restart()
    following.poll(2)
    append(log, *numbered(15 + first, 20))
    following.poll(2)
    log.rename(log.with_name("audit.log.2"))
    append(log, *header, *numbered(20, 22))
    following.poll(2)
    following.wait(61)
    following.wait(61)
    assert [line for line in following.lines if line not in header] == numbered(0, 22)
    assert following.counts["lost_bytes"] == 0


def test_one_between_that_nobody_has_seen(log: Path) -> None:
    header = HEADERS["one line"]
    append(log, *header, *numbered(0, 10))
    following = Following(log)
    following.poll()
    log.rename(log.with_name("audit.log.2"))
    append(log, *header, *numbered(10, 14))
    rename(log)
    append(log, *header)
    following.poll(2)
    append(log, *numbered(14, 15))
    following.poll(2)
    assert [line for line in following.lines if line not in header] == numbered(0, 15)


@pytest.mark.parametrize("waits", [0, 61])
def test_one_between_after_a_file_with_nothing_else(log: Path, waits: float) -> None:
    """That file is known by its first line alone, and so would be each that comes later."""
    header = HEADERS["one line"]
    append(log, *header)
    following = Following(log)
    following.poll()
    rename(log)
    append(log, *header, *numbered(0, 10))
    following.poll(2)
    following.wait(waits)
    following.wait(waits)
    log.rename(log.with_name("audit.log.3"))
    append(log, *header, *numbered(10, 14))
    log.rename(log.with_name("audit.log.2"))
    append(log, *header, *numbered(14, 15))
    following.poll(2)
    assert [line for line in following.lines if line not in header] == numbered(0, 15)


def test_cut_by_an_editor(log: Path) -> None:
    """A copy without the last lines, in another file: none of it is new, and what is written to it then is."""
    append(log, *numbered(0, 10))
    following = Following(log)
    following.poll()
    copy = shutil.copyfile(log, log.with_name("new"))
    os.truncate(copy, sum(len(line) + 1 for line in numbered(0, 5)))
    append(log, *numbered(10, 12))
    copy.rename(log)
    assert following.poll(2) == numbered(10, 12)
    append(log, *numbered(20, 22))
    assert following.poll(2) == numbered(20, 22)
