"""Whatever becomes of a log: so many files are open, so much is remembered, and what is given up is counted."""

from __future__ import annotations

import itertools
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent_observability.tail import files as files_module
from agent_observability.tail import watch as watch_module
from agent_observability.tail.search import WAITING
from agent_observability.tail.show import shown
from agent_observability.tail.siblings import logs
from tests.tail.following import Following, append, numbered
from tests.tail.rotating import rename


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def size(lines: list[bytes]) -> int:
    return sum(len(line) + 1 for line in lines)


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """No more than the usual 1,024 of a process, and those only for what is opened from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_that_cannot_be_begun(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened again at every look, and closed each time."""
    append(log, *numbered(0, 10))
    following = Following(log, start="end")
    before = descriptors()

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files_module.os, "pread", fail)
        following.poll(50)
        assert "Input/output error" in following.trail.problem
        assert descriptors() == before
    following.poll()
    append(log, *numbered(10, 11))
    assert following.poll() == numbered(10, 11)


def _empty(log: Path) -> None:
    os.truncate(log, 0)


@pytest.mark.parametrize("rotate", [rename, _empty])
def test_rotated_again_and_again_while_the_ledger_is_down(
    log: Path, following: Following, rotate: Callable[[Path], None]
) -> None:
    """The newest files wait; of those that are given up, all bytes are counted as lost."""
    before = descriptors()
    turns = 3 * WAITING
    for turn in range(1, turns):
        append(log, *numbered(10 * turn, 10 * turn + 5))
        following.look()
        rotate(log)
        append(log, *numbered(10 * turn + 5, 10 * turn + 10))
        following.look()
    assert len(following.trail.state.segments) == WAITING + 1
    assert descriptors() <= before + WAITING
    following.poll(2)
    following.wait(61)
    assert following.lines[-5:] == numbered(10 * turns - 5, 10 * turns)
    assert following.counts["lost_bytes"] == size(numbered(10, 10 * turns)) - size(following.lines[10:])
    assert following.wait(61) == []
    assert len(following.trail.state.segments) == 1


def test_more_rotated_files_than_may_be_open(log: Path, following: Following, few_descriptors: None) -> None:
    """Rotated while nobody looked: the newest are read, the others are lost."""
    files = 4 * WAITING
    now = log.stat().st_mtime
    for number in range(files):
        one = log.with_name(f"audit.log.{files - number}")
        append(one, *numbered(100 + number, 101 + number))
        os.utime(one, (now + 100 + number,) * 2)
    rename_to = log.with_name(f"audit.log.{files + 1}")
    append(log, *numbered(10, 12))
    log.rename(rename_to)
    os.utime(rename_to, (now, now))
    append(log, *numbered(12, 13))
    os.utime(log, (now + 1000,) * 2)
    following.restart()
    found = following.poll(2)
    read = found[2:-1]
    assert found == [*numbered(10, 12), *numbered(100 + files - len(read), 100 + files), *numbered(12, 13)]
    assert len(read) >= WAITING - 2
    assert following.counts["lost_bytes"] == size(numbered(100, 100 + files - len(read)))


def test_links_that_lead_back(tmp_path: Path) -> None:
    """Two of them in a folder without a log: following them would not end."""
    inner = tmp_path / "inner" / "deep"
    inner.mkdir(parents=True)
    for name in ("one", "two"):
        (inner / name).symlink_to(".")
    append(inner / "a.log", *numbered(0, 2))
    (inner / "b.log").symlink_to(inner / "a.log")
    assert logs(f"{tmp_path}/**/*.log") == [str(inner / "a.log"), str(inner / "b.log")]
    assert Following(f"{tmp_path}/**/*.log").poll(2) == numbered(0, 2)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*.log", ["a.log", "x/b.log", "x/y/c.log"]),
        ("x/**/*.log", ["x/b.log", "x/y/c.log"]),
        ("**/y/*.log", ["x/y/c.log"]),
        ("**/x/**/*.log", ["x/b.log", "x/y/c.log"]),
        ("?/**", ["x/b.log", "x/y", "x/y/c.log"]),
        ("**/[ab].log", ["a.log", "x/b.log"]),
        ("a**.log", ["a.log"]),
        ("none/**/*.log", []),
    ],
)
def test_folders_within_folders(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    """Hidden ones are left out, as by a shell."""
    for name in ("a.log", "x/b.log", "x/y/c.log", ".hidden/d.log", "x/.e.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        append(tmp_path / name, b"x")
    assert logs(f"{tmp_path}/{pattern}") == [str(tmp_path / name) for name in expected]


def test_a_scan_that_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one waits for ten times as long, in which what is followed is read."""
    append(tmp_path / "a.log", *numbered(0, 2))
    following = Following(tmp_path / "*.log")
    scans: list[float] = []

    def slow(pattern: str) -> list[str]:
        scans.append(following.now)
        following.now += 2
        return logs(pattern)

    monkeypatch.setattr(watch_module, "logs", slow)
    following.poll(200)
    assert len(scans) == 3
    assert {after - before for before, after in itertools.pairwise(scans)} <= {20.0, 20.25, 22.0, 22.25}


def test_what_a_wildcard_has_matched_is_removed(tmp_path: Path) -> None:
    """That is no outage, neither at once nor later; that it cannot be read is one."""
    for name in ("a.log", "b.log"):
        append(tmp_path / name, *numbered(0, 2))
    following = Following(tmp_path / "*.log")
    following.poll(2)
    (tmp_path / "a.log").unlink()
    following.poll(2)
    now = shown(following.watch)
    assert now.problems == ()
    assert [one.detail for one in now.statuses] == ["was removed, and is read to its end", "is followed"]
    following.wait(61)
    following.wait(61)
    assert [one.detail for one in shown(following.watch).statuses] == ["is followed"]
