"""Files of keys: written in one step, read with every problem named, and no key shown."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.errors import ConfigError, StartError
from agent_observability.intake import keys as module
from agent_observability.intake.keys import Keyring, add_key, new_key, read_keys, remove_key

HASH = "sha256:" + "0" * 32 + ":" + "a" * 64
ENTRY = f"- {{id: abcdefgh, name: n, project: p, hash: '{HASH}'}}\n"


def test_a_file_of_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    assert read_keys(file) == {}
    first = add_key(file, "gateway", "*")
    second = add_key(file, "team ä", "team-a", 25)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = read_keys(file)
    assert [(key.name, key.project, key.rate) for key in found.values()] == [
        ("gateway", "*", None),
        ("team ä", "team-a", 25),
    ]
    keys = Keyring(found)
    assert keys.find(f"Bearer {first}") is found[first.split("_")[1]]
    content = file.read_text()
    for text in (first, second):
        assert text.split("_", 2)[2] not in content
    remove_key(file, first.split("_")[1])
    assert list(read_keys(file)) == [second.split("_")[1]]
    assert list(tmp_path.iterdir()) == [file]


def test_the_mode_of_a_file_and_a_link_to_it_stay(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    link = tmp_path / "link.yml"
    file.write_text("")
    file.chmod(0o640)
    link.symlink_to(file)
    add_key(link, "n", "p")
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert len(read_keys(file)) == 1


def test_keys_that_are_added_at_once_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(add_key(file, "n", "p"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 12
    assert set(read_keys(file)) == {text.split("_")[1] for text in made}


@pytest.mark.parametrize(
    ("name", "project", "rate", "problem"),
    [
        ("n", "", None, "project: expected text of length >= 1, got ''"),
        ("", "p", None, "name: expected text of length >= 1, got ''"),
        ("n", "p" * 101, None, "project: expected text of length <= 100"),
        ("n", "a\nb", None, r"project: expected printable text, got 'a\nb'"),
        ("\x1b[31m", "p", None, r"name: expected printable text, got '\x1b[31m'"),
        ("n", "\ud800", None, r"project: expected printable text, got '\ud800'"),
        ("n", "p", 0, "rate: expected a whole number >= 1, got 0"),
        ("n", "p", 10**7, "rate: expected a whole number <= 1000000, got 10000000"),
    ],
)
def test_a_key_that_could_not_be_read_again_is_not_made(
    tmp_path: Path, name: str, project: str, rate: int | None, problem: str
) -> None:
    file = tmp_path / "keys.yml"
    with pytest.raises(StartError) as caught:
        add_key(file, name, project, rate)
    assert str(caught.value).startswith(problem)
    assert not file.exists()


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("{", ["line 1, column 2: no valid YAML"]),
        ("[!!bool maybe]", ["no valid YAML"]),
        ("[" * 3_000, ["no valid YAML"]),
        ("- \x00", ["no valid YAML"]),
        ("{}", ["keys: expected a list, got a mapping"]),
        ("false", ["keys: expected a list, got False"]),
        ("- 5", ["keys[0]: expected a mapping, got 5"]),
        (
            "- {name: n, projekt: p}",
            [
                "keys[0].projekt: unknown key 'projekt'; did you mean 'project'?",
                "keys[0].id: missing",
                "keys[0].project: missing",
                "keys[0].hash: missing",
            ],
        ),
        (
            "- {id: ABC, name: '', project: 3, hash: no, rate: 0}",
            [
                r"keys[0].id: expected text matching regex '^[a-z0-9]{8}\\Z', got 'ABC'",
                "keys[0].name: expected text of length >= 1, got ''",
                "keys[0].project: expected text, got 3",
                "keys[0].hash: expected text, got False",
                "keys[0].rate: expected a whole number >= 1, got 0",
            ],
        ),
        (
            ENTRY.replace("project: p", r'project: "a\tb"'),
            [r"keys[0]: project: expected printable text, got 'a\tb'"],
        ),
        (ENTRY * 2 + ENTRY.replace("abcdefgh", "abcdefgi"), ["keys: id 'abcdefgh' stands twice"]),
    ],
)
def test_broken_files(tmp_path: Path, content: str, problems: list[str]) -> None:
    file = tmp_path / "keys.yml"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_keys(file)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize(
    "content", ["- {0}", "- {{id: {0}, name: n, project: p}}", "- {{hash: {0}}}", "{{key: {0}", "[{0}: {0}: {0}", "{0}"]
)
def test_a_key_in_the_wrong_place_is_not_shown(tmp_path: Path, content: str) -> None:
    """Its secret would go to the log, and to the landing page."""
    text, _ = new_key("n", "p")
    file = tmp_path / "keys.yml"
    file.write_text(content.format(text))
    with pytest.raises(ConfigError) as caught:
        read_keys(file)
    assert text.split("_", 2)[2][:8] not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_keys(tmp_path)
    large = tmp_path / "large.yml"
    large.write_bytes(b"#" * (1024**2 + 1))
    with pytest.raises(ConfigError, match="is larger than 1024 KiB"):
        read_keys(large)


def test_a_file_may_be_written_until_it_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read any more is not written."""
    monkeypatch.setattr(module, "_FILE_BYTES", 400)
    file = tmp_path / "keys.yml"
    add_key(file, "n", "p")
    add_key(file, "n", "p")
    before = file.read_bytes()
    with pytest.raises(StartError, match=r"with 3 keys it is larger than"):
        add_key(file, "n", "p")
    assert file.read_bytes() == before


def test_what_cannot_be_removed_or_written(tmp_path: Path) -> None:
    file = tmp_path / "keys.yml"
    with pytest.raises(StartError, match=r"has no key 'abc'; it has: none"):
        remove_key(file, "abc")
    add_key(file, "n", "p")
    [id_] = read_keys(file)
    with pytest.raises(StartError, match=rf"has no key 'abc'; it has: {id_}"):
        remove_key(file, "abc")
    with pytest.raises(StartError, match=r"cannot write .*: No such file or directory"):
        add_key(tmp_path / "gone" / "keys.yml", "n", "p")
    file.write_text("[")
    with pytest.raises(ConfigError):
        add_key(file, "n", "p")
    assert file.read_text() == "["
    aside = tmp_path / ".keys.yml.new"
    file.write_text("")
    aside.mkdir()
    with pytest.raises(StartError, match=r"cannot write .*keys.yml: "):
        add_key(file, "n", "p")
    assert file.read_text() == ""


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yml"
    file.write_bytes(content)
    try:
        found = read_keys(file)
    except ConfigError:
        return
    assert found == {}
    assert yaml.safe_load(content) in (None, [])
