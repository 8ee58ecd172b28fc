"""Logs that are emptied or cut in place: what was destroyed before it was read is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered
from tests.tail.rotating import copytruncate


@pytest.mark.parametrize("running", [True, False])
def test_emptied_and_grown_past_the_place(log: Path, following: Following, running: bool) -> None:
    """Even if the first line is the same."""
    os.truncate(log, 0)
    append(log, *numbered(0, 1), *numbered(100, 150))
    if not running:
        following.restart()
    assert following.poll(2) == [*numbered(0, 1), *numbered(100, 150)]
    assert following.counts["rotations_truncate"] == 1
    assert following.wait(11) == []
    assert following.counts["lost_bytes"] == 0


def test_what_was_seen_and_destroyed_is_lost_once(log: Path, following: Following) -> None:
    append(log, *numbered(10, 20))
    # While the ledger is down files are looked at and not read.
    following.look()
    os.truncate(log, 0)
    append(log, *numbered(20, 21))
    assert following.poll(2) == numbered(20, 21)
    assert following.counts["lost_bytes"] == 0, "it may still be found"
    following.wait(11)
    assert following.counts["lost_bytes"] == sum(len(line) + 1 for line in numbered(10, 20))
    following.restart()
    following.wait(11)
    assert following.counts["lost_bytes"] == sum(len(line) + 1 for line in numbered(10, 20))


def test_cut_at_its_end(log: Path, following: Following) -> None:
    """Not emptied: what was read is still there."""
    append(log, *numbered(10, 12))
    size = log.stat().st_size
    append(log, *numbered(12, 14))
    following.look()
    os.truncate(log, size)
    assert following.poll(2) == numbered(10, 12)
    assert following.counts["lost_bytes"] == sum(len(line) + 1 for line in numbered(12, 14))


def test_a_writer_that_goes_on_at_its_old_offset(log: Path) -> None:
    """Without O_APPEND, a log that was emptied begins with a hole, which may be of many gigabytes."""
    with log.open("wb") as writer:
        writer.write(b"\n".join(numbered(0, 10)) + b"\n")
        writer.flush()
        following = Following(log)
        following.poll()
        copytruncate(log)
        writer.seek(20 * 1024**3)
        writer.write(b"\n".join(numbered(10, 20)) + b"\n")
    assert following.poll(2) == numbered(10, 20)
    assert following.counts == {"lines_parsed": 20, "rotations_truncate": 1}


def test_a_hole_within_a_line(log: Path, following: Following) -> None:
    with log.open("rb+") as writer:
        writer.seek(0, os.SEEK_END)
        writer.write(b"begun")
        writer.seek(5 * 1024**3)
        writer.write(b"\n" + b"\n".join(numbered(10, 12)) + b"\n")
    assert following.poll(2) == numbered(10, 12)
    assert following.counts["lines_oversize"] == 1
