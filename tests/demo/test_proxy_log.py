"""The demo's audit logs: what is written, and what rotations leave behind."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.demo.proxy_lines import Line
from agent_observability.demo.proxy_log import AuditLog


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rotating:
    """A log whose every tick is a second; `numbers` of lines are in the order written."""

    def __init__(self, folder: Path, how: Literal["rename", "copytruncate"], **settings: float) -> None:
        self.clock = Clock()
        self.written: list[bytes] = []
        self.path = folder / "audit.log"
        self.log = AuditLog(
            self.path,
            how,
            lambda lines: self.written.extend(line.text for line in lines),
            every=10.0,
            clock=self.clock,
            **settings,  # type: ignore[arg-type]
        )
        self.log.open()
        self._number = 0

    def run(self, seconds: int, lines: int = 1) -> None:
        """So many lines in each."""
        for _ in range(seconds):
            self.clock.now += 1
            first, self._number = self._number + 1, self._number + lines
            self.log.write([Line(b"%d\n" % number, "flat") for number in range(first, self._number + 1)])
            self.log.tick()

    def kept(self) -> dict[str, list[int]]:
        """Numbers of lines by file."""
        texts = {path.name: path.read_bytes() for path in sorted(self.path.parent.iterdir())}
        plain = {name: gzip.decompress(text) if name.endswith(".gz") else text for name, text in texts.items()}
        return {name: [int(line) for line in text.split()] for name, text in plain.items()}


def test_rotation_by_rename(tmp_path: Path) -> None:
    rotating = Rotating(tmp_path, "rename")
    first = rotating.path.stat().st_ino
    rotating.run(10)
    assert rotating.kept() == {"audit.log": [], "audit.log.1": list(range(1, 11))}
    assert (tmp_path / "audit.log.1").stat().st_ino == first
    rotating.run(15)
    assert rotating.kept() == {
        "audit.log": list(range(21, 26)),
        "audit.log.1": list(range(11, 21)),
        "audit.log.2.gz": list(range(1, 11)),
    }
    assert rotating.log.rotations == 2


def test_rotation_by_copy_and_truncation_is_calm_and_loses_nothing(tmp_path: Path) -> None:
    rotating = Rotating(tmp_path, "copytruncate", calm=2.0)
    first = rotating.path.stat().st_ino
    rotating.run(11)
    assert rotating.kept() == {"audit.log": list(range(1, 11))}, "held back"
    assert len(rotating.written) == 10
    rotating.run(4)
    assert rotating.kept() == {"audit.log": [11, 12, 13, 14, 15], "audit.log.1": list(range(1, 11))}
    assert rotating.path.stat().st_ino == first
    rotating.run(12)
    assert rotating.kept()["audit.log.2.gz"] == list(range(1, 11))
    assert rotating.log.rotations == 2
    rotating.log.close()
    assert [int(line) for line in rotating.written] == list(range(1, 28))


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_the_disk_is_never_full_of_it(tmp_path: Path, how: Literal["rename", "copytruncate"]) -> None:
    rotating = Rotating(tmp_path, how)
    rotating.run(500)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.log", "audit.log.1", "audit.log.2.gz"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert len(rotating.kept()["audit.log"]) < 20


def test_a_large_file_is_rotated_before_its_time(tmp_path: Path) -> None:
    rotating = Rotating(tmp_path, "rename", most=4)
    rotating.run(3)
    assert rotating.kept() == {"audit.log": [], "audit.log.1": [1, 2, 3]}


@given(
    how=st.sampled_from(("rename", "copytruncate")),
    steps=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=12),
)
def test_as_long_as_all_files_are_kept_every_line_is_kept_once_and_in_order(
    how: Literal["rename", "copytruncate"], steps: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rotating, lines = Rotating(Path(folder), how), 0
        for seconds, each in steps:
            if rotating.log.rotations + (seconds + 4) // 10 >= 2:
                break
            rotating.run(seconds, each)
            lines += seconds * each
        rotating.log.close()
        kept = [number for _, numbers in sorted(rotating.kept().items(), reverse=True) for number in numbers]
        assert kept == list(range(1, lines + 1)) == [int(line) for line in rotating.written]


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_an_empty_file_is_not_rotated(tmp_path: Path, how: Literal["rename", "copytruncate"]) -> None:
    rotating = Rotating(tmp_path, how)
    for _ in range(30):
        rotating.clock.now += 1
        rotating.log.tick()
    assert (rotating.log.rotations, rotating.kept()) == (0, {"audit.log": []})


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_a_log_that_somebody_removes_begins_anew(tmp_path: Path, how: Literal["rename", "copytruncate"]) -> None:
    rotating = Rotating(tmp_path, how)
    rotating.run(5)
    rotating.path.unlink()
    rotating.run(12)
    assert rotating.kept()["audit.log"][-1] == 17


def test_what_could_not_be_written_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rotating = Rotating(tmp_path, "rename")
    write = os.write
    room = 3

    def nearly_full(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        room -= 1
        return write(file, data[:1])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", nearly_full)
        rotating.run(1)
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                rotating.run(1)
    assert [int(line) for line in rotating.written] == [1]
    rotating.run(1)
    assert rotating.kept() == {"audit.log": [1, 2, 3, 4, 5]}
    assert [int(line) for line in rotating.written] == [1, 2, 3, 4, 5]


def test_it_goes_on_where_another_life_ended(tmp_path: Path) -> None:
    first = Rotating(tmp_path, "rename")
    first.run(3)
    first.log.close()
    again = AuditLog(first.path, "rename", lambda _: None)
    assert not again.open()
    again.write([Line(b"4\n", "flat")])
    again.close()
    assert first.kept() == {"audit.log": [1, 2, 3, 4]}
