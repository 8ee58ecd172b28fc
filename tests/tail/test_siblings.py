"""Which files are logs and which are older parts of one, by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_observability.tail.siblings import in_order, is_sibling, logs, siblings

ROTATED = (
    "audit.log.1",
    "audit.log.12.gz",
    "audit.log.gz",
    "audit.log-20251113",
    "audit.log-20251112.gz",
    "audit.log-20251113-1763028000.xz",
    "audit.log.2025-11-13_10",
    "audit.log.20251113-101530.bz2",
    "audit.log.old",
    "audit-20251113.log",
    "audit-2025-11-13.log.gz",
    "audit.2025-11-13T10:15.log",
)
BESIDE = ("audit.log.bak.d", "audit.log-errors", "audit.log.1.part")
OTHERS = ("audit.log", "audit-2.log", "audit-errors.log", "audits.log", "log.1", "audit.log.1.zst", "other.log.1")


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("x\n")


def test_what_rotation_makes_of_a_name(tmp_path: Path) -> None:
    """Others that begin with the name may hold what is missing, but are no part of the log for that."""
    _write(tmp_path, *ROTATED, *BESIDE, *OTHERS)
    found = {Path(one.path).name: one.rotated for one in siblings(str(tmp_path / "audit.log"))}
    assert found == {**dict.fromkeys(ROTATED, True), **dict.fromkeys(BESIDE, False)}


def test_of_a_file_and_its_compressed_form_only_the_file(tmp_path: Path) -> None:
    _write(tmp_path, "audit.log", "audit.log.1", "audit.log.1.gz", "audit.log.2.gz")
    assert {Path(one.path).name for one in siblings(str(tmp_path / "audit.log"))} == {"audit.log.1", "audit.log.2.gz"}


def test_also_beside_what_it_is_a_link_to(tmp_path: Path) -> None:
    pods = tmp_path / "pods"
    pods.mkdir()
    _write(pods, "0.log", "0.log.20251113-101530.gz")
    (tmp_path / "proxy.log").symlink_to(pods / "0.log")
    assert [Path(one.path).name for one in siblings(str(tmp_path / "proxy.log"))] == ["0.log.20251113-101530.gz"]


def test_neither_empty_ones_nor_folders(tmp_path: Path) -> None:
    (tmp_path / "audit.log.1").touch()
    (tmp_path / "audit.log.2").mkdir()
    (tmp_path / "audit.log.3").symlink_to("nowhere")
    assert siblings(str(tmp_path / "audit.log")) == []
    assert siblings(str(tmp_path / "no" / "audit.log")) == []


def test_the_oldest_first(tmp_path: Path) -> None:
    """Of those that were written at once, the one with the larger number."""
    import os

    for name, mtime in (("l.2", 50), ("l.10", 50), ("l.1", 50), ("l.3.gz", 40), ("l-20251113", 60)):
        (tmp_path / name).write_text("x\n")
        os.utime(tmp_path / name, (mtime, mtime))
    found = in_order(siblings(str(tmp_path / "l")))
    assert [Path(one.path).name for one in found] == ["l.3.gz", "l.10", "l.2", "l.1", "l-20251113"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/l/a.log.1", True),
        ("/l/a.log-errors", True),
        ("/l/a-20251113.log", True),
        ("/l/a-2.log", False),
        ("/l/a.log", False),
        ("/l/b.log.1", False),
        ("/m/a.log.1", False),
        ("/l/.a.log", False),
    ],
)
def test_older_parts_are_no_logs(path: str, expected: bool) -> None:
    assert is_sibling(path, {"/l/a.log", "/l/a-2.log"}) is expected


def test_patterns(tmp_path: Path) -> None:
    _write(tmp_path, "b.log", "a.log", "a.log.1", "a.log.2.gz", "a.log.3.zst")
    (tmp_path / "sub").mkdir()
    _write(tmp_path / "sub", "c.log")
    here = str(tmp_path)
    assert logs(f"{here}/*.log") == [f"{here}/a.log", f"{here}/b.log"]
    assert logs(f"{here}/a*") == [f"{here}/a.log", f"{here}/a.log.1"]
    assert logs(f"{here}/**/c.log") == [f"{here}/sub/c.log"]
    assert logs(f"{here}/none.log") == [f"{here}/none.log"]
    assert logs(f"{here}/none*.log") == []
