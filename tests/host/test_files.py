"""Files of the kernel: read whole, bounded, again and again, and missed in the right way."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from agent_observability.host import files
from agent_observability.host.files import KernelFile, flat_keyed, line_values, parsed, read, read_optional
from tests.host.tree import plant


def test_every_read_shows_the_content_of_now(tmp_path: Path) -> None:
    file = KernelFile(tmp_path / "x")
    for content in ("one\n", "a longer two\n", "3\n", ""):
        plant(tmp_path, {"x": content})
        assert file.parsed(bytes.decode) == content


def test_files_larger_than_a_chunk_are_read_whole(tmp_path: Path) -> None:
    content = os.urandom(200_000)
    plant(tmp_path, {"x": content})
    assert KernelFile(tmp_path / "x").parsed(bytes) == read(str(tmp_path / "x")) == content


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_BYTES", 100_000)
    with pytest.raises(ValueError, match="/dev/zero: expected at most 100000 bytes"):
        KernelFile(Path("/dev/zero")).parsed(bytes)


def test_the_first_file_that_can_be_opened_is_read(tmp_path: Path) -> None:
    file = KernelFile(tmp_path / "first", tmp_path / "second")
    with pytest.raises(FileNotFoundError, match="second"):
        file.parsed(bytes)
    plant(tmp_path, {"second": "2"})
    assert file.parsed(bytes) == b"2"
    plant(tmp_path, {"first": "1"})
    assert KernelFile(tmp_path / "first", tmp_path / "second").parsed(bytes) == b"1"


def test_a_file_whose_process_ended_is_looked_for_again() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        file = KernelFile(Path(f"/proc/{process.pid}/stat"), Path("/proc/self/stat"))
        assert file.parsed(lambda content: int(content.split()[0])) == process.pid
        process.kill()
    assert file.parsed(lambda content: int(content.split()[0])) == os.getpid()


def test_nothing_stays_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - iterdir would be open while it is counted
    for _ in range(10):
        KernelFile(Path("/proc/loadavg")).parsed(bytes)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_what_is_absent_and_what_is_an_error(tmp_path: Path) -> None:
    plant(tmp_path, {"folder/x": ""})
    for name in ("missing", "folder/x/below"):
        assert KernelFile(tmp_path / name).parsed_optional(bytes) is None
        assert read_optional(str(tmp_path / name)) is None
    with pytest.raises(IsADirectoryError):
        KernelFile(tmp_path / "folder").parsed_optional(bytes)
    with pytest.raises(IsADirectoryError):
        read_optional(str(tmp_path / "folder"))


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.ENODEV, errno.ENXIO])
def test_a_feature_that_is_switched_off_is_absent(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """PSI with psi=0 on the kernel's command line is there and refuses to be opened."""

    def refuse(*_args: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    assert KernelFile(Path("/proc/pressure/cpu")).parsed_optional(bytes) is None


def test_a_parsers_error_names_the_file(tmp_path: Path) -> None:
    plant(tmp_path, {"x": "many"})
    with pytest.raises(ValueError, match="/x: invalid literal for int"):
        parsed(str(tmp_path / "x"), int)


def test_lines_are_found_at_their_beginning_only() -> None:
    content = b"xpgfault 1\npgfault 2\npgfault 3\nlast 4"
    assert line_values(content, {"p": b"pgfault ", "l": b"last ", "m": b"missing "}) == {"p": b"2", "l": b"4"}
    assert flat_keyed(content, ("last", "xpgfault", "gone")) == {"last": 4, "xpgfault": 1}
