"""Bounded logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_observability.stack import logs


@pytest.mark.parametrize(
    ("content", "kept", "old"),
    [
        (b"short", b"short", None),
        (b"0123456789", b"0123456789", None),
        (b"0123456789a", b"", b"123456789a"),
        (b"x" * 5000, b"", b"x" * 10),
    ],
)
def test_a_log_past_its_limit_is_moved_aside(tmp_path: Path, content: bytes, kept: bytes, old: bytes | None) -> None:
    path = tmp_path / "host.log"
    with path.open("ab", buffering=0) as part:
        part.write(content)
        logs.bound(path, 10)
        assert path.read_bytes() == kept
        aside = tmp_path / "host.log.1"
        assert (aside.read_bytes() if aside.exists() else None) == old
        # The part goes on writing to the file it has open.
        part.write(b"next")
    assert path.read_bytes() == kept + b"next"


def test_a_missing_log_is_fine(tmp_path: Path) -> None:
    logs.bound(tmp_path / "host.log", 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one\ntwo\n\nthree\n", "    two\n    three"),
        ("", "    ({path} is empty)"),
        (None, "    ({path}: No such file or directory)"),
        ("x" * 400, "    " + "x" * 300),
    ],
)
def test_tail(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "host.log"
    if content is not None:
        path.write_text(content)
    assert logs.tail(path, 2) == expected.format(path=path)
