"""Each way in which a log is rotated, and each in which it is spoilt, while it is followed and while nobody does."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def following(log: Path) -> Following:
    """Ten lines of it are read."""
    append(log, *numbered(0, 10))
    following = Following(log)
    assert following.poll() == numbered(0, 10)
    return following


def _one(log: Path) -> Path:
    return log.with_name("audit.log.1")


def _rename(log: Path, create: bool = True) -> None:
    log.rename(_one(log))
    if create:
        log.touch()


def _dated(log: Path) -> None:
    log.rename(log.with_name("audit.log-20251113"))
    log.touch()


def _dated_before_ending(log: Path) -> None:
    log.rename(log.with_name("audit-20251113.log"))
    log.touch()


def _copytruncate(log: Path) -> None:
    shutil.copyfile(log, _one(log))
    os.truncate(log, 0)


def _pack(pack: Callable[[bytes], bytes], ending: str, *, keep_mtime: bool) -> Callable[[Path], None]:
    def rotate(log: Path) -> None:
        packed = log.with_name(f"audit.log.1{ending}")
        packed.write_bytes(pack(log.read_bytes()))
        if keep_mtime:
            shutil.copystat(log, packed)
        log.unlink()
        log.touch()

    return rotate


def _copy_and_pack(log: Path) -> None:
    _one(log).with_suffix(".1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)


def _twice(log: Path) -> None:
    """The second time with lines in it that nobody has seen."""
    log.rename(log.with_name("audit.log.2"))
    append(_one(log), *numbered(15, 18))
    append(log, *numbered(18, 20))


def _twice_by_copies(log: Path) -> None:
    shutil.copyfile(log, log.with_name("audit.log.2"))
    os.truncate(log, 0)
    append(log, *numbered(15, 18))
    _copytruncate(log)
    append(log, *numbered(18, 20))


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    ("rotate", "kind", "times"),
    [
        (_rename, "rename", 1),
        (_dated, "rename", 1),
        (_dated_before_ending, "rename", 1),
        (_copytruncate, "truncate", 1),
        (_pack(gzip.compress, ".gz", keep_mtime=True), "rename", 1),
        (_pack(gzip.compress, ".gz", keep_mtime=False), "rename", 1),
        (_pack(bz2.compress, ".bz2", keep_mtime=True), "rename", 1),
        (_pack(lzma.compress, ".xz", keep_mtime=True), "rename", 1),
        (_copy_and_pack, "truncate", 1),
        (_twice, "rename", 2),
        (_twice_by_copies, "truncate", 2),
    ],
)
def test_nothing_is_lost(
    log: Path, following: Following, rotate: Callable[[Path], None], kind: str, times: int, running: bool
) -> None:
    """Lines written just before, and after; in their order."""
    append(log, *numbered(10, 15))
    rotate(log)
    missing = range(15, 15 if times == 1 else 20)
    append(log, *numbered(20, 25))
    if not running:
        following.restart()
    assert following.poll(2) == [
        *numbered(10, 15),
        *[line for n in missing for line in numbered(n, n + 1)],
        *numbered(20, 25),
    ]
    assert following.counts[f"rotations_{kind}"] == times
    assert following.counts["lost_bytes"] == 0
    assert following.wait(61) == []
    assert len(following.trail.state.segments) == 1
    following.restart()
    assert following.poll(2) == []


def test_a_copy_that_was_taken_before_the_last_lines_were_read(log: Path, following: Following) -> None:
    shutil.copyfile(log, _one(log))
    append(log, *numbered(10, 12))
    following.poll()
    os.truncate(log, 0)
    append(log, *numbered(12, 13))
    assert following.poll(2) == numbered(12, 13)
    assert following.trail.state.missing == []
    # Compressed later on, it is still known.
    _one(log).with_suffix(".1.gz").write_bytes(gzip.compress(_one(log).read_bytes()))
    _one(log).unlink()
    log.rename(log.with_name("audit.log.0"))
    append(log, *numbered(13, 14))
    assert following.poll(2) == numbered(13, 14)
    assert following.counts == {"lines_parsed": 14, "rotations_truncate": 1, "rotations_rename": 1}


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


def test_a_copy_that_appears_late(log: Path, following: Following) -> None:
    """Made elsewhere, and moved here after the log was emptied."""
    append(log, *numbered(10, 20))
    following.look()
    copy = shutil.copyfile(log, log.with_name("elsewhere"))
    os.truncate(log, 0)
    following.poll(2)
    copy.rename(_one(log))
    assert following.wait(2) == numbered(10, 20)
    following.wait(61)
    assert following.counts["lost_bytes"] == 0


def test_a_part_of_what_was_seen_is_in_the_copy(log: Path, following: Following) -> None:
    append(log, *numbered(10, 15))
    shutil.copyfile(log, _one(log))
    append(log, *numbered(15, 20))
    following.look()
    os.truncate(log, 0)
    assert following.poll(2) == numbered(10, 15)
    following.wait(61)
    assert following.counts["lost_bytes"] == sum(len(line) + 1 for line in numbered(15, 20))


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
        _copytruncate(log)
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


def test_late_writers_keep_the_old_file_open(log: Path, following: Following) -> None:
    _rename(log)
    append(log, *numbered(20, 21))
    assert following.poll() == numbered(20, 21)
    append(_one(log), *numbered(10, 12))
    assert following.wait(59) == numbered(10, 12)
    append(_one(log), *numbered(12, 13))
    assert following.wait(59) == numbered(12, 13)
    with _one(log).open("ab") as writer:
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


def test_a_path_that_comes_back_is_new(log: Path, following: Following) -> None:
    log.unlink()
    assert following.wait(61) == []
    following.restart()
    append(log, *numbered(30, 40))
    assert following.poll(2) == numbered(30, 40)


def test_renamed_while_nothing_takes_its_place(log: Path, following: Following) -> None:
    append(log, *numbered(10, 12))
    _rename(log, create=False)
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
    _rename(log, create=False)
    following.poll(2)
    append(_one(log), *numbered(10, 12))
    _one(log).rename(log)
    assert following.poll(2) == numbered(10, 12)
    following.restart()
    assert following.poll(2) == []


def test_moved_back_after_long(log: Path, following: Following) -> None:
    _rename(log)
    following.wait(61)
    following.wait(61)
    log.unlink()
    _one(log).rename(log)
    append(log, *numbered(10, 12))
    assert following.poll(2) == numbered(10, 12)


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


def test_a_copy_by_hand_is_not_read(log: Path, following: Following) -> None:
    shutil.copyfile(log, log.with_name("audit.log-20251113"))
    append(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("audit.log.old"))
    following.poll()
    _rename(log)
    append(log, *numbered(12, 13))
    assert following.poll(2) == numbered(12, 13)
    assert following.counts["rotations_rename"] == 1


def test_what_was_there_before_is_history(log: Path) -> None:
    """Also if it is compressed, or touched, later on."""
    append(_one(log), *numbered(0, 5))
    append(log, *numbered(5, 6))
    following = Following(log)
    assert following.poll() == numbered(5, 6)
    packed = log.with_name("audit.log.2.gz")
    packed.write_bytes(gzip.compress(_one(log).read_bytes()))
    _one(log).unlink()
    _rename(log)
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
    lines = [b"%07d %s" % (n, b"x" * 100) for n in range(60_000)]
    append(log, *lines)
    following.look()
    proposal = following.propose()
    assert proposal is not None
    assert proposal.work.full
    following.commit(proposal)
    begun = len(following.lines) - 10
    assert 0 < begun < len(lines)
    _pack(gzip.compress, ".gz", keep_mtime=True)(log)
    append(log, *numbered(10, 12))
    following.restart()
    following.look()
    proposal = following.propose()
    assert proposal is not None
    following.commit(proposal)
    assert begun < len(following.lines) < len(lines)
    following.restart()
    following.poll(2)
    assert following.lines == [*numbered(0, 10), *lines, *numbered(10, 12)]
