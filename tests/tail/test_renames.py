"""Files that are moved away and come back, and what lies beside a log."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered
from tests.tail.rotating import rename, rotated


def test_late_writers_keep_the_old_file_open(log: Path, following: Following) -> None:
    rename(log)
    append(log, *numbered(20, 21))
    assert following.poll() == numbered(20, 21)
    append(rotated(log), *numbered(10, 12))
    assert following.wait(59) == numbered(10, 12)
    append(rotated(log), *numbered(12, 13))
    assert following.wait(59) == numbered(12, 13)
    with rotated(log).open("ab") as writer:
        writer.write(b"without newline")
    assert following.wait(59) == []
    assert following.wait(61) == [b"without newline"]
    assert len(following.trail.state.segments) == 1


def test_a_deleted_file_that_is_open_is_read_to_its_end(log: Path, following: Following) -> None:
    append(log, *numbered(10, 12))
    log.unlink()
    assert following.poll(2) == numbered(10, 12)
    assert following.trail.problem == f"{log} is not there"
    append(log, *numbered(12, 14))
    assert following.poll() == numbered(12, 14)
    assert following.trail.problem == ""
    assert following.counts["rotations_rename"] == 1


def test_the_clock_was_set_back(log: Path, following: Following) -> None:
    """While nobody looked: what was read of the file is known, though it seems to have been written long before."""
    append(log, *numbered(10, 12))
    rename(log)
    past = rotated(log).stat().st_mtime - 3600
    os.utime(rotated(log), (past, past))
    append(log, *numbered(12, 13))
    following.restart()
    assert following.poll(2) == numbered(10, 13)


def test_a_path_that_comes_back_is_new(log: Path, following: Following) -> None:
    log.unlink()
    assert following.wait(61) == []
    following.restart()
    append(log, *numbered(30, 40))
    assert following.poll(2) == numbered(30, 40)


def test_renamed_while_nothing_takes_its_place(log: Path, following: Following) -> None:
    append(log, *numbered(10, 12))
    rename(log, create=False)
    following.restart()
    assert following.poll(2) == numbered(10, 12)
    append(log, *numbered(12, 14))
    assert following.poll(2) == numbered(12, 14)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_rotated_with_seconds_between(log: Path, following: Following, there: bool, running: bool) -> None:
    """Twice, with a file at the path or none: those between were written long before."""
    now = log.stat().st_mtime
    append(log, *numbered(10, 11))
    os.utime(log, (now + 100,) * 2)
    log.rename(log.with_name("audit.log.3"))
    for number in (2, 1):
        rotated = log.with_name(f"audit.log.{number}")
        append(rotated, *numbered(32 - 10 * number, 34 - 10 * number))
        os.utime(rotated, (now + 300 - 100 * number,) * 2)
    between = [*numbered(10, 11), *numbered(12, 14), *numbered(22, 24)]
    if not there:
        if not running:
            following.restart()
        assert following.wait(2) == between
        between = []
    append(log, *numbered(40, 41))
    os.utime(log, (now + 1000,) * 2)
    if not running:
        following.restart()
    assert following.poll(2) == [*between, *numbered(40, 41)]
    assert following.counts["rotations_rename"] == 3


def test_moved_away_and_back(log: Path, following: Following) -> None:
    rename(log, create=False)
    following.poll(2)
    append(rotated(log), *numbered(10, 12))
    rotated(log).rename(log)
    assert following.poll(2) == numbered(10, 12)
    following.restart()
    assert following.poll(2) == []


def test_moved_back_after_long(log: Path, following: Following) -> None:
    rename(log)
    following.wait(61)
    following.wait(61)
    log.unlink()
    rotated(log).rename(log)
    append(log, *numbered(10, 12))
    assert following.poll(2) == numbered(10, 12)


def test_an_inode_that_is_used_again(log: Path, following: Following) -> None:
    """As a place would show it: what was before the offset is not there."""
    [text] = [text for key, text in following.positions.items() if "/file/" in key]
    inode = log.stat().st_ino
    log.unlink()
    append(log, *numbered(50, 70))
    other = log.stat().st_ino
    for key in list(following.positions):
        if "/file/" in key:
            following.positions[key] = text.replace(f",{inode},", f",{other},")
    following.restart()
    assert following.poll(2) == numbered(50, 70)


def test_what_was_there_before_is_history(log: Path) -> None:
    """Also if it is compressed, or touched, later on."""
    append(rotated(log), *numbered(0, 5))
    append(log, *numbered(5, 6))
    following = Following(log)
    assert following.poll() == numbered(5, 6)
    packed = log.with_name("audit.log.2.gz")
    packed.write_bytes(gzip.compress(rotated(log).read_bytes()))
    rotated(log).unlink()
    rename(log)
    append(log, *numbered(6, 7))
    assert following.poll(2) == numbered(6, 7)


def test_old_files_are_history(log: Path) -> None:
    """Neither those that lie beside it at first, nor those of which others have long been forgotten."""
    for number in range(1, 50):
        old = log.with_name(f"audit.log.{number}")
        append(old, *numbered(1000 * number, 1000 * number + 20))
        os.utime(old, (1_700_000_000 - 100 * number,) * 2)
    append(log, *numbered(0, 5))
    following = Following(log)
    following.poll()
    for turn in range(3):
        log.rename(log.with_name(f"audit.log-2025111{turn}"))
        append(log, *numbered(5 + turn, 6 + turn))
        assert following.poll(2) == numbered(5 + turn, 6 + turn)
        following.restart()
