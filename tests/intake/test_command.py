"""`agent-obs key`: keys made, listed and removed from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent_observability.cli import app
from agent_observability.intake.keys import Keyring, read_keys


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["key", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.yml"


def test_a_key_is_printed_once_and_works(file: Path) -> None:
    result = run("new", "--file", str(file), "--project", "team-a", "--name", "CI", "--rate", "5")
    assert result.exit_code == 0, result.output
    [text] = result.stdout.splitlines()
    assert re.fullmatch(r"aok_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", text)
    key = Keyring(read_keys(file)).find(f"Bearer {text}")
    assert key is not None
    assert (key.project, key.name, key.rate) == ("team-a", "CI", 5)
    listed = run("list", "--file", str(file))
    assert listed.stdout == f"{key.id}  team-a  CI  5/s\n"
    assert text.split("_", 2)[2] not in listed.output


def test_a_key_without_a_name_is_called_after_its_project(file: Path) -> None:
    assert run("new", "--file", str(file), "--project", "*").exit_code == 0
    [key] = read_keys(file).values()
    assert (key.project, key.name, key.rate) == ("*", "*", None)
    assert run("list", "--file", str(file)).stdout == f"{key.id}  *  *\n"


def test_removing(file: Path) -> None:
    for _ in range(2):
        run("new", "--file", str(file), "--project", "p")
    first, second = read_keys(file)
    assert run("remove", "--file", str(file), first).exit_code == 0
    assert list(read_keys(file)) == [second]
    gone = run("remove", "--file", str(file), first)
    assert gone.exit_code == 1
    assert f"has no key {first!r}; it has: {second}" in str(gone.exception)


def test_a_list_of_nothing_says_so(file: Path) -> None:
    result = run("list", "--file", str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"no keys in {file}\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("new", "--project", "p"), 2, "Missing option '--file'"),
        (("new", "--file", "{}"), 2, "Missing option '--project'"),
        (("new", "--file", "{}", "--project", "p", "--rate", "0"), 2, "0 is not in the range 1<=x<=1000000"),
        (("new", "--file", "{}", "--project", ""), 1, "name: expected text of length >= 1, got ''"),
        (("new", "--file", "{}", "--project", "a\tb"), 1, r"project: expected printable text, got 'a\tb'"),
        (("new", "--file", "{}/x/y", "--project", "p"), 1, "No such file or directory"),
    ],
)
def test_refused(file: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    result = run(*(argument.format(file) for argument in arguments))
    assert result.exit_code == code
    shown = str(result.exception) if code == 1 else " ".join(result.output.replace("│", "").split())
    assert says in shown
    assert not file.exists()


def test_a_broken_file_is_not_overwritten(file: Path) -> None:
    file.write_text("[")
    for arguments in (("new", "--project", "p"), ("list",), ("remove", "abc")):
        result = run(*arguments, "--file", str(file))
        assert result.exit_code == 1
        assert "no valid YAML" in str(result.exception)
    assert file.read_text() == "["
