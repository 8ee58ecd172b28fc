"""Secrets come from files or the environment and show themselves nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent_observability.decode import Decoder, Secret
from agent_observability.units import Duration

HUNTER = "hunter2"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    api_key: Secret | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    password: Secret = Secret("")
    tokens: dict[str, Secret] = {}
    account: Account = Account()
    accounts: list[Account] = []
    workers: int = 1
    level: Any = None
    timeout: Duration = Duration(1)


def _decode(tree: object, directory: Path) -> tuple[Any, list[str]]:
    decoder = Decoder({"KEY": HUNTER}, directory)
    return decoder.decode(Section, tree, "s"), decoder.problems


@pytest.mark.parametrize(
    "show", [repr, str, "{!r}".format, lambda secret: f"{[secret]}", lambda s: repr(Account(api_key=s))]
)
def test_a_secret_hides(show: Any) -> None:
    assert HUNTER not in show(Secret(HUNTER))
    assert "<secret>" in show(Secret(HUNTER))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter 2 \n", " hunter 2 "),
        (b"two\nlines\n", "two\nlines"),
        (b"$$ ${KEY}", "$$ ${KEY}"),
        ("größe".encode(), "größe"),
        (b"", ""),
        (b"x" * 65536, "x" * 65536),
    ],
)
def test_files(tmp_path: Path, content: bytes, secret: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    for written in ("secret", str(tmp_path / "secret")):
        decoded, problems = _decode({"password_file": written, "account": {"api_key_file": written}}, tmp_path)
        assert problems == []
        assert decoded.password.reveal() == decoded.account.api_key.reveal() == secret


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"password_file": "gone"}, "s.password_file: cannot read '{}/gone': No such file or directory"),
        ({"password_file": "folder"}, "s.password_file: cannot read '{}/folder': Is a directory"),
        ({"password_file": "binary"}, "s.password_file: '{}/binary' is not UTF-8 text"),
        ({"password_file": "large"}, "s.password_file: '{}/large' is larger than 64 KiB"),
        ({"password_file": ""}, "s.password_file: expected a path, got ''"),
        ({"password_file": "a\0"}, "s.password_file: expected a path, got 'a\\x00'"),
        ({"password_file": 3}, "s.password_file: expected a path, got 3"),
        ({"password_file": "${MISSING}"}, "s.password_file: environment variable MISSING is not set"),
        (
            {"password": "x", "password_file": "good"},
            "s.password_file: give either password or password_file, not both",
        ),
        (
            {"accounts": [{"api_key_file": "gone"}]},
            "s.accounts[0].api_key_file: cannot read '{}/gone': No such file or directory",
        ),
    ],
)
def test_refused_files(tmp_path: Path, tree: object, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "good").write_text(HUNTER)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 65537)
    decoded, problems = _decode(tree, tmp_path)
    assert decoded is None
    assert problems == [problem.format(tmp_path)]


def test_a_file_nobody_may_read(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    _, problems = _decode({"password_file": "loop"}, tmp_path)
    assert problems == [f"s.password_file: cannot read '{loop}': Too many levels of symbolic links"]


@pytest.mark.parametrize(
    "tree",
    [
        HUNTER,
        [HUNTER],
        {"password": [HUNTER]},
        {"password": {"value": HUNTER}},
        {"tokens": HUNTER},
        {"tokens": [HUNTER]},
        {"tokens": [{"alice": HUNTER}]},
        {"tokens": {"alice": [HUNTER]}},
        {"account": HUNTER},
        {"account": [{"api_key": HUNTER}]},
        {"account": {"api_keys": HUNTER}},
        {"accounts": HUNTER},
        {"accounts": {"api_key": HUNTER}},
        {"accounts": [HUNTER]},
        {"workers": {"api_key": HUNTER}},
        {"workers": "${KEY}"},
        {"timeout": "${KEY}"},
        {"timeout": "30${KEY}"},
        {"password": "x", "password_file": "${KEY}"},
        {"password_file": "${KEY}"},
    ],
)
def test_problems_never_show_a_secret(tmp_path: Path, tree: object) -> None:
    decoded, problems = _decode(tree, tmp_path)
    assert decoded is None
    assert problems
    assert HUNTER not in "\n".join(problems)


@pytest.mark.parametrize(
    ("digits", "shown"), [(1234, "int (not shown)"), (0.5, "float (not shown)"), (None, "nothing")]
)
def test_an_unquoted_number_is_no_secret_and_not_shown_either(tmp_path: Path, digits: object, shown: str) -> None:
    _, problems = _decode({"password": digits}, tmp_path)
    assert problems == [f"s.password: expected text, got {shown}"]
