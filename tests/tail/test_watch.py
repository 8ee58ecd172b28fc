"""Which files are followed from where, what cannot be read, and what is remembered of it in the ledger."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from agent_observability.ledger.batch import MAX_TEXT
from agent_observability.tail import files as files_module
from agent_observability.tail.lines import MAX_LINE
from agent_observability.tail.place import PAST, decode
from agent_observability.tail.show import shown
from tests.tail.following import Following, append, numbered


def _books(following: Following) -> list[Any]:
    return [decode(text) for key, text in following.positions.items() if "/file" in key]


@pytest.mark.parametrize(("start", "expected"), [("beginning", numbered(0, 3)), ("end", [])])
def test_where_it_begins(tmp_path: Path, start: str, expected: list[bytes]) -> None:
    """What is there at first; what comes later is read from its beginning, also after a restart."""
    log = tmp_path / "a.log"
    append(log, *numbered(0, 3))
    following = Following(tmp_path / "*.log", start=start)
    assert following.poll() == expected
    append(log, *numbered(3, 5))
    append(tmp_path / "b.log", *numbered(10, 12))
    assert sorted(following.wait(2)) == [*numbered(3, 5), *numbered(10, 12)]
    following.restart()
    append(tmp_path / "c.log", *numbered(20, 21))
    assert following.poll(2) == numbered(20, 21)


def test_a_log_that_was_not_there_at_first_is_new(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    following = Following(log, start="end")
    assert following.poll(2) == []
    assert following.trail.problem == f"{log} is not there"
    following.restart()
    append(log, *numbered(0, 3))
    assert following.poll(2) == numbered(0, 3)


def test_a_pattern_that_is_added_has_its_own_start(tmp_path: Path) -> None:
    append(tmp_path / "a.log", *numbered(0, 3))
    append(tmp_path / "b.log", *numbered(3, 6))
    following = Following(tmp_path / "a.log", start="end")
    following.poll()
    following.config = Following(tmp_path / "a.log", tmp_path / "b.log", start="end").config
    following.restart()
    following.poll()
    append(tmp_path / "a.log", *numbered(6, 7))
    append(tmp_path / "b.log", *numbered(7, 8))
    assert sorted(following.poll(2)) == numbered(6, 8)


@pytest.mark.parametrize(
    ("content", "rest", "expected"),
    [
        (b"old\nbegun", b" and ended\nnew\n", [b"begun and ended", b"new"]),
        (b"old\n", b"new\n", [b"new"]),
        (b"", b"new\n", [b"new"]),
        (b"begun", b" and ended\nnew\n", [b"begun and ended", b"new"]),
        (b"x" * 2 * MAX_LINE, b"rest\nnew\n", [b"new"]),
    ],
)
def test_the_end_is_behind_a_whole_line(tmp_path: Path, content: bytes, rest: bytes, expected: list[bytes]) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    following = Following(log, start="end")
    following.poll()
    following.restart()
    with log.open("ab") as file:
        file.write(rest)
    assert following.poll(2) == expected


def test_torn_and_too_long_lines_over_restarts(tmp_path: Path) -> None:
    """A line is counted once it is whole; one that is too long is counted once, whenever it ends."""
    log = tmp_path / "a.log"
    log.touch()
    following = Following(log)
    following.poll()
    pieces: list[tuple[bytes, list[bytes]]] = [
        (b"ab", []),
        (b"c\nd", [b"abc"]),
        (b"x" * MAX_LINE, []),
        (b"x" * MAX_LINE, []),
        (b"x\nnext", []),
        (b"\n", [b"next"]),
        (b"y" * (3 * 1024 * 1024) + b"\nlast\n", [b"last"]),
    ]
    for piece, expected in pieces:
        with log.open("ab") as file:
            file.write(piece)
        assert following.poll() == expected
        following.restart()
        assert following.poll() == []
    assert following.counts == {"lines_parsed": 3, "lines_oversize": 2}


def test_what_is_not_there_or_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Said once; the log is read as soon as it can be. A FIFO is not even opened."""
    log = tmp_path / "logs" / "a.log"
    following = Following(log)
    caplog.set_level(logging.INFO)

    def fifo() -> None:
        log.rmdir()
        os.mkfifo(log)

    def folder() -> None:
        log.unlink()
        log.mkdir()

    def sock() -> None:
        log.parent.mkdir()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(log))

    def loop() -> None:
        log.unlink()
        log.symlink_to(log)

    def nowhere() -> None:
        log.unlink()
        log.parent.rmdir()
        log.parent.write_text("a file")

    steps: list[tuple[Any, str]] = [
        (lambda: None, "is not there"),
        (sock, "is no regular file"),
        (folder, "is a directory"),
        (fifo, "is no regular file"),
        (loop, "Too many levels of symbolic links"),
        (nowhere, "is not there"),
    ]
    for step, problem in steps:
        step()
        caplog.clear()
        following.poll(3)
        assert problem in following.trail.problem
        assert [record.message for record in caplog.records] == [following.trail.problem]
        now = shown(following.watch)
        assert [(one.healthy, one.detail) for one in now.statuses] == [(False, following.trail.problem)]
    log.parent.unlink()
    log.parent.mkdir()
    append(log, *numbered(0, 2))
    assert following.poll() == numbered(0, 2)
    assert not shown(following.watch).problems


def test_a_log_that_nobody_may_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "a.log"
    append(log, *numbered(0, 2))
    following = Following(log, start="end")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(files_module.os, "open", refuse)
        following.poll(2)
        assert following.trail.problem == f"{log}: Permission denied"
    append(log, *numbered(2, 3))
    # It was there at first, so that it is begun where it was told.
    following.poll(2)
    append(log, *numbered(3, 4))
    assert following.poll() == numbered(3, 4)


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost or doubled by errors in the middle; other logs are read meanwhile."""
    append(tmp_path / "a.log", *[b"%06d" % n for n in range(400_000)])
    append(tmp_path / "b.log", *numbered(0, 2))
    following = Following(tmp_path / "a.log", tmp_path / "b.log")
    following.look()
    pread, calls = os.pread, 0

    def fail(descriptor: int, number: int, offset: int) -> bytes:
        nonlocal calls
        calls += number > 1024
        if calls % 3 == 2 and number > 1024:
            raise OSError(5, "Input/output error")
        return pread(descriptor, number, offset)

    monkeypatch.setattr(files_module.os, "pread", fail)
    following.poll(20)
    assert following.lines.count(numbered(0, 1)[0]) == 1
    assert [line for line in following.lines if not line.startswith(b"{")] == [b"%06d" % n for n in range(400_000)]
    assert any("Input/output error" in record.message for record in caplog.records)


def test_two_names_of_one_file(tmp_path: Path) -> None:
    append(tmp_path / "a.log", *numbered(0, 3))
    os.link(tmp_path / "a.log", tmp_path / "b.log")
    (tmp_path / "c.log").symlink_to(tmp_path / "a.log")
    following = Following(tmp_path / "*.log", tmp_path / "a.log")
    assert following.poll(2) == numbered(0, 3)
    assert list(following.watch.trails) == [str(tmp_path / "a.log")]


def test_a_log_that_takes_the_name_of_another(tmp_path: Path) -> None:
    """It goes on where it was; nothing is read under both names."""
    one, other = tmp_path / "a.log", tmp_path / "b.log"
    append(one, *numbered(0, 20))
    following = Following(tmp_path / "*.log")
    following.poll()
    one.rename(other)
    append(other, *numbered(20, 22))
    assert following.wait(2) == numbered(20, 22)
    assert following.wait(61) == []
    append(other, *numbered(22, 24))
    assert following.wait(61) == numbered(22, 24)


def test_rotated_files_that_the_pattern_matches(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, *numbered(0, 20))
    following = Following(tmp_path / "a*")
    following.poll()
    for turn in range(1, 4):
        log.rename(tmp_path / f"a.log.{turn}")
        append(log, *numbered(20 * turn, 20 * turn + 5))
        following.wait(61)
        following.wait(61)
    following.restart()
    following.poll(2)
    assert following.lines == [*numbered(0, 20), *numbered(20, 25), *numbered(40, 45), *numbered(60, 65)]
    assert list(following.watch.trails) == [str(log)]


def test_many_files(tmp_path: Path) -> None:
    """No more than are allowed; a place is free once one is gone."""
    for number in range(30):
        append(tmp_path / f"{number:02}.log", *numbered(number * 10, number * 10 + 5))
    following = Following(tmp_path / "*.log", files=20)
    assert sorted(following.poll(2)) == [line for n in range(20) for line in numbered(n * 10, n * 10 + 5)]
    assert "10 more files match" in shown(following.watch).problems[0]
    for number in range(10):
        (tmp_path / f"{number:02}.log").unlink()
    following.wait(61)
    following.wait(61)
    following.wait(2)
    assert len(following.lines) == 150
    assert not shown(following.watch).problems


def test_what_is_gone_for_long_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, *numbered(0, 20))
    following = Following(tmp_path / "*.log")
    following.poll()
    log.unlink()
    following.wait(61)
    following.wait(6 * 86_400)
    assert len(_books(following)) == 1
    following.wait(2 * 86_400)
    assert _books(following) == []
    assert following.watch.trails == {}
    following.config = Following(tmp_path / "*.txt").config
    following.restart()
    following.poll(2)
    assert [key for key in following.positions if "*.log" in key] == []


def test_more_forgotten_than_followed(tmp_path: Path) -> None:
    """Files with names of their own that come and go leave nothing behind."""
    following = Following(tmp_path / "*.log", files=3)
    for number in range(10):
        log = tmp_path / f"{number}.log"
        append(log, *numbered(number * 10, number * 10 + 2))
        following.wait(2)
        log.unlink()
        following.wait(61)
        following.wait(61)
    assert len(following.lines) == 20
    assert len(following.positions) == 4


def test_a_position_stays_small(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    following = Following(log)
    for turn in range(2 * PAST):
        append(log, *numbered(turn * 10, turn * 10 + 3))
        os.utime(log, (turn * 3600, turn * 3600))
        following.poll()
        log.rename(tmp_path / f"a.log-20251113{turn:06}")
        log.touch()
        following.wait(61)
    [book] = _books(following)
    assert len(book.past) == PAST
    assert len(following.lines) == 6 * PAST
    assert max(map(len, following.positions.values())) < 6_000
    assert b"id" not in "".join(following.positions.values()).encode(), "the log's text is not stored"


def test_a_path_that_is_longer_than_a_key(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["x" * 200] * 4, "y" * 200)
    folder.mkdir(parents=True)
    append(folder / "a.log", *numbered(0, 2))
    following = Following(f"{tmp_path}/**/*.log")
    assert following.poll(2) == numbered(0, 2)
    assert all(len(key) < MAX_TEXT for key in following.positions)
    following.restart()
    append(folder / "a.log", *numbered(2, 3))
    assert following.poll(2) == numbered(2, 3)


def test_a_position_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Better nothing than twice."""
    log = tmp_path / "a.log"
    append(log, *numbered(0, 20))
    following = Following(log)
    following.poll()
    following.positions = {key: "{" if "/file" in key else text for key, text in following.positions.items()}
    following.restart()
    assert following.poll(2) == []
    assert "no position of a log" in caplog.text
    append(log, *numbered(20, 21))
    assert following.poll(2) == numbered(20, 21)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    append(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.log")), *numbered(0, 2))
    append(tmp_path / "a.log", *numbered(2, 3))
    assert Following(tmp_path / "*.log").poll(2) == numbered(2, 3)


def test_a_backlog_is_read_in_rounds(tmp_path: Path) -> None:
    """Of several logs in turn, each commit bounded."""
    for name in ("a", "b"):
        append(tmp_path / f"{name}.log", *[b"%s%07d %s" % (name.encode(), n, b"x" * 100) for n in range(100_000)])
    following = Following(tmp_path / "*.log")
    following.poll()
    assert len(set(following.lines)) == len(following.lines) == 200_000
    assert following.commits > 3
    order = [line[:1] for line in following.lines]
    assert order != sorted(order)


def test_lag_and_size(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, *numbered(0, 3))
    following = Following(log)
    following.look()
    size = log.stat().st_size
    assert (shown(following.watch).lag, shown(following.watch).size) == (size, size)
    following.poll()
    with log.open("ab") as file:
        file.write(b"begun")
    following.poll()
    now = shown(following.watch)
    assert (now.lag, now.size, now.statuses[0].lag) == (5, size + 5, "5 B")
