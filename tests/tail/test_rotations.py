"""Each way in which a log is rotated, while it is followed and while nobody does."""

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
from tests.tail.rotating import copytruncate, pack, rename, rotated


def _dated(log: Path) -> None:
    log.rename(log.with_name("audit.log-20251113"))
    log.touch()


def _dated_before_ending(log: Path) -> None:
    log.rename(log.with_name("audit-20251113.log"))
    log.touch()


def _copy_and_pack(log: Path) -> None:
    rotated(log).with_suffix(".1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)


def _twice(log: Path) -> None:
    """The second time with lines in it that nobody has seen."""
    log.rename(log.with_name("audit.log.2"))
    append(rotated(log), *numbered(15, 18))
    append(log, *numbered(18, 20))


def _twice_by_copies(log: Path) -> None:
    shutil.copyfile(log, log.with_name("audit.log.2"))
    os.truncate(log, 0)
    append(log, *numbered(15, 18))
    copytruncate(log)
    append(log, *numbered(18, 20))


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    ("rotate", "kind", "times"),
    [
        (rename, "rename", 1),
        (_dated, "rename", 1),
        (_dated_before_ending, "rename", 1),
        (copytruncate, "truncate", 1),
        (pack(gzip.compress, ".gz", keep_mtime=True), "rename", 1),
        (pack(gzip.compress, ".gz", keep_mtime=False), "rename", 1),
        (pack(bz2.compress, ".bz2", keep_mtime=True), "rename", 1),
        (pack(lzma.compress, ".xz", keep_mtime=True), "rename", 1),
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
