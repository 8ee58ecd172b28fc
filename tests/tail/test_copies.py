"""Copies of a log: whole, in part, late, compressed, damaged, or none of its business."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered
from tests.tail.rotating import copytruncate, pack, rename, rotated


def test_a_copy_that_was_taken_before_the_last_lines_were_read(log: Path, following: Following) -> None:
    shutil.copyfile(log, rotated(log))
    append(log, *numbered(10, 12))
    following.poll()
    os.truncate(log, 0)
    append(log, *numbered(12, 13))
    assert following.poll(2) == numbered(12, 13)
    assert following.trail.state.missing == []
    # Compressed later on, it is still known.
    rotated(log).with_suffix(".1.gz").write_bytes(gzip.compress(rotated(log).read_bytes()))
    rotated(log).unlink()
    log.rename(log.with_name("audit.log.0"))
    append(log, *numbered(13, 14))
    assert following.poll(2) == numbered(13, 14)
    assert following.counts == {"lines_parsed": 14, "rotations_truncate": 1, "rotations_rename": 1}


def test_a_copy_that_appears_late(log: Path, following: Following) -> None:
    """Made elsewhere, and moved here after the log was emptied."""
    append(log, *numbered(10, 20))
    following.look()
    copy = shutil.copyfile(log, log.with_name("elsewhere"))
    os.truncate(log, 0)
    following.poll(2)
    copy.rename(rotated(log))
    assert following.wait(2) == numbered(10, 20)
    following.wait(61)
    assert following.counts["lost_bytes"] == 0


def test_a_part_of_what_was_seen_is_in_the_copy(log: Path, following: Following) -> None:
    append(log, *numbered(10, 15))
    shutil.copyfile(log, rotated(log))
    append(log, *numbered(15, 20))
    following.look()
    os.truncate(log, 0)
    assert following.poll(2) == numbered(10, 15)
    following.wait(61)
    assert following.counts["lost_bytes"] == sum(len(line) + 1 for line in numbered(15, 20))


@pytest.mark.parametrize("running", [True, False])
def test_written_anew_by_an_editor(log: Path, following: Following, running: bool) -> None:
    """Another file with the same lines, and more."""
    append(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("new")).rename(log)
    append(log, *numbered(12, 14))
    if not running:
        following.restart()
    assert following.poll(2) == numbered(10, 14)
    assert following.wait(61) == []


@pytest.mark.parametrize("packed", [False, True])
def test_written_anew_and_then_rotated(log: Path, following: Following, packed: bool) -> None:
    """Between two looks: the rotated file goes on where the one ends that is still open."""
    append(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("new")).rename(log)
    append(log, *numbered(12, 14))
    (pack(gzip.compress, ".gz", keep_mtime=True) if packed else rename)(log)
    append(log, *numbered(14, 16))
    assert following.poll(2) == numbered(10, 16)
    assert following.wait(61) == []


def test_a_copy_that_takes_the_place_of_the_log(log: Path, following: Following) -> None:
    """What was copied before the log was emptied is put back by hand: all of it was read, under another inode."""
    copytruncate(log)
    append(log, *numbered(10, 11))
    assert following.poll(2) == numbered(10, 11)
    following.wait(61)
    rotated(log).rename(log)
    append(log, *numbered(11, 12))
    assert following.poll(2) == numbered(11, 12)


def test_a_copy_with_an_inode_that_was_another_file(log: Path, following: Following) -> None:
    """It is known by what was read of it, not by its number, under which less was read."""
    copy = log.with_name("new")
    [text] = [text for key, text in following.positions.items() if "/file/" in key]
    inode = log.stat().st_ino
    # An editor writes it anew; the former file is missing after a restart, and its inode is used for the next copy.
    shutil.copyfile(log, copy).rename(log)
    following.poll()
    append(log, *numbered(10, 12))
    following.restart()
    assert following.poll(2) == numbered(10, 12)
    shutil.copyfile(log, copy)
    for key, text in following.positions.items():
        following.positions[key] = text.replace(f",{inode},", f",{copy.stat().st_ino},")
    following.restart()
    following.watch.look()
    copy.rename(log)
    append(log, *numbered(12, 13))
    assert following.poll(2) == numbered(12, 13)


def test_a_copy_by_hand_is_not_read(log: Path, following: Following) -> None:
    shutil.copyfile(log, log.with_name("audit.log-20251113"))
    append(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("audit.log.old"))
    following.poll()
    rename(log)
    append(log, *numbered(12, 13))
    assert following.poll(2) == numbered(12, 13)
    assert following.counts["rotations_rename"] == 1


def test_compressed_and_damaged(log: Path, following: Following) -> None:
    """What can be had of it is read; the rest of what was seen is lost."""
    append(log, *numbered(10, 2000))
    following.look()
    packed = gzip.compress(log.read_bytes())
    log.with_name("audit.log.1.gz").write_bytes(packed[: len(packed) // 2])
    os.truncate(log, 0)
    found = following.poll(2)
    assert found == numbered(10, 10 + len(found))
    assert 100 < len(found) < 1900
    assert "is damaged" in following.trail.problem
    following.wait(61)
    rest = following.wait(61)
    assert all(
        not line.startswith(b'{"timestamp"') or line.startswith(numbered(10 + len(found), 11 + len(found))[0][:9])
        for line in rest
    )
    whole = sum(len(line) + 1 for line in numbered(10 + len(found), 2000))
    assert whole - 100 < following.counts["lost_bytes"] <= whole


def test_half_read_and_compressed(log: Path, following: Following) -> None:
    """A backlog of more than one round, the rest of it in a compressed file; stopped again in the middle."""
    lines = [b"%07d %s" % (n, b"x" * 400) for n in range(60_000)]
    append(log, *lines)
    following.look()
    proposal = following.propose(left=1)
    assert proposal is not None
    assert proposal.work.full
    following.commit(proposal)
    begun = len(following.lines) - 10
    assert 0 < begun < len(lines)
    pack(gzip.compress, ".gz", keep_mtime=True)(log)
    append(log, *numbered(10, 12))
    following.restart()
    following.look()
    proposal = following.propose(left=1)
    assert proposal is not None
    following.commit(proposal)
    assert begun < len(following.lines) < len(lines)
    following.restart()
    following.poll(2)
    assert following.lines == [*numbered(0, 10), *lines, *numbered(10, 12)]
