from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from agent_observability.decode import Decoder, Secret
from agent_observability.units import Duration, Size

FOLDER = Path("/etc/agent-obs")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    api_key: Secret | None = None
    cert: Path | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    level: Literal["low", "high"] = "low"
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    share: float = 0.5
    enabled: bool = True
    timeout: Duration = Duration(10)
    pause: Duration | None = None
    buffer: Size = Size(1024)
    path: Path = Path("/default")
    pattern: re.Pattern[str] = re.compile("^$")
    title: str = ""
    tags: list[str] = []
    edges: tuple[float, ...] = ()
    limits: dict[str, int] = {}
    tokens: dict[str, Secret] = {}
    password: Secret = Secret("")
    account: Account | None = None
    accounts: list[Account] = []
    port: int | str = 0


ENVIRONMENT = {
    "NAME": "blog",
    "WORKERS": "8",
    "FLAG": "true",
    "TIMEOUT": "5m",
    "KEY": "hunter2",
    "EMPTY": "",
    "DIR": "data",
}


def _decode(
    value: object, environment: dict[str, str] | None = ENVIRONMENT, directory: Path = FOLDER
) -> tuple[Any, list[str]]:
    decoder = Decoder(environment, directory)
    return decoder.decode(Section, value, "s"), decoder.problems


@pytest.mark.parametrize(
    ("key", "written", "expected"),
    [
        ("level", "high", "high"),
        ("workers", 1, 1),
        ("workers", 64, 64),
        ("workers", "${WORKERS}", 8),
        ("share", 1, 1.0),
        ("enabled", False, False),
        ("enabled", "${FLAG}", True),
        ("timeout", "30s", 30.0),
        ("timeout", "${TIMEOUT}", 300.0),
        ("pause", None, None),
        ("pause", "1s", 1.0),
        ("buffer", "64KiB", 65536),
        ("path", "certs/tls.crt", FOLDER / "certs/tls.crt"),
        ("path", "/var/log/audit.log", Path("/var/log/audit.log")),
        ("path", "${DIR}/x", FOLDER / "data/x"),
        ("pattern", "^(lo|veth.*)$", re.compile("^(lo|veth.*)$")),
        ("pattern", "^${NAME}-", re.compile("^blog-")),
        ("title", "project ${NAME}", "project blog"),
        ("title", "${NAME}${NAME}", "blogblog"),
        ("title", "${MISSING:-fallback}", "fallback"),
        ("title", "${MISSING:-}", ""),
        ("title", "${NAME:-fallback}", "blog"),
        ("title", "${EMPTY:-fallback}", ""),
        ("title", "$$5 and $${NAME}", "$5 and ${NAME}"),
        ("title", "$5 $ {NAME} $NAME", "$5 $ {NAME} $NAME"),
        ("title", "${WORKERS}", "8"),
        ("title", "8", "8"),
        ("tags", ["a", "${NAME}"], ["a", "blog"]),
        ("edges", [1, 2.5], (1.0, 2.5)),
        ("limits", {"model": 5, 7: 1}, {"model": 5, "7": 1}),
        ("tokens", {"alice": "${KEY}"}, {"alice": Secret("hunter2")}),
        ("password", "p$$w", Secret("p$w")),
        ("account", None, None),
        ("account", {"name": "x"}, Account(name="x")),
        ("accounts", [{"name": "x", "cert": "c"}], [Account(name="x", cert=FOLDER / "c")]),
        ("port", 80, 80),
        ("port", "http", "http"),
    ],
)
def test_values(key: str, written: object, expected: object) -> None:
    decoded, problems = _decode({key: written})
    assert problems == []
    assert getattr(decoded, key) == expected


def test_nothing_gives_the_defaults() -> None:
    assert _decode(None) == _decode({}) == (Section(), [])


def test_text_is_taken_as_it_stands_without_an_environment() -> None:
    decoded, problems = _decode({"title": "$$ ${NAME}", "tokens": {"alice": "$2y$10$abc"}}, environment=None)
    assert problems == []
    assert decoded.title == "$$ ${NAME}"
    assert decoded.tokens["alice"].reveal() == "$2y$10$abc"


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ([], "s: expected a mapping, got a list"),
        ("text", "s: expected a mapping, got str (not shown)"),
        ({"level": "medium"}, "s.level: expected one of 'low', 'high', got 'medium'"),
        ({"level": ["low"]}, "s.level: expected one of 'low', 'high', got a list"),
        ({"workers": 0}, "s.workers: expected a whole number >= 1, got 0"),
        ({"workers": 65}, "s.workers: expected a whole number <= 64, got 65"),
        ({"workers": "4"}, "s.workers: expected a whole number, got '4'"),
        ({"workers": True}, "s.workers: expected a whole number, got True"),
        ({"workers": None}, "s.workers: expected a whole number, got nothing"),
        ({"workers": 1.5}, "s.workers: expected a whole number, got 1.5"),
        ({"workers": 2**70}, "s.workers: expected a whole number <= 64, got 1180591620717411303424"),
        ({"share": "half"}, "s.share: expected a number, got 'half'"),
        ({"enabled": "yes"}, "s.enabled: expected true or false, got 'yes'"),
        ({"timeout": 30}, "s.timeout: expected a duration such as 30s, 5m or 1h30m, got 30"),
        ({"timeout": None}, "s.timeout: expected a duration such as 30s, 5m or 1h30m, got nothing"),
        ({"buffer": "64kb"}, "s.buffer: expected a size such as 64KiB, 10MB or 4096, got '64kb'"),
        ({"buffer": "0.5B"}, "s.buffer: expected a whole number of bytes, got '0.5B'"),
        ({"path": 5}, "s.path: expected a path, got 5"),
        ({"path": ""}, "s.path: expected a path, got ''"),
        ({"path": "a\0b"}, "s.path: expected a path, got 'a\\x00b'"),
        (
            {"pattern": "(a"},
            "s.pattern: expected a regular expression (missing ), unterminated subpattern at position 0), got '(a'",
        ),
        ({"pattern": 5}, "s.pattern: expected text, got 5"),
        ({"title": 5}, "s.title: expected text, got 5"),
        ({"title": "${MISSING}"}, "s.title: environment variable MISSING is not set"),
        ({"workers": "${MISSING}"}, "s.workers: environment variable MISSING is not set"),
        ({"password": "${MISSING}"}, "s.password: environment variable MISSING is not set"),
        ({"tags": "a"}, "s.tags: expected a list, got 'a'"),
        ({"tags": None}, "s.tags: expected a list, got nothing"),
        ({"tags": ["a", 1, "b"]}, "s.tags[1]: expected text, got 1"),
        ({"edges": [1, "x"]}, "s.edges[1]: expected a number, got 'x'"),
        ({"limits": [1]}, "s.limits: expected a mapping, got a list"),
        ({"limits": {"model": "x"}}, "s.limits.model: expected a whole number, got 'x'"),
        ({"account": {}}, "s.account.name: missing"),
        ({"accounts": [{"name": "x"}, {}]}, "s.accounts[1].name: missing"),
        ({"wrokers": 4}, "s.wrokers: unknown key 'wrokers'; did you mean 'workers'?"),
        ({"pasword_file": "x"}, "s.pasword_file: unknown key 'pasword_file'; did you mean 'password_file'?"),
        (
            {"account": {"name": "x", "zzz": 1}},
            "s.account.zzz: unknown key 'zzz'; known here: api_key, api_key_file, cert, name",
        ),
        ({None: 1}, "s.None: unknown key 'None'; known here: "),
        ({"title_file": "x"}, "s.title_file: unknown key 'title_file'; did you mean 'title'?"),
        ({"tokens_file": "x"}, "s.tokens_file: unknown key 'tokens_file'; did you mean 'tokens'?"),
        ({"title": 10**100}, f"s.title: expected text, got 1{'0' * 76}..."),
    ],
)
def test_problems_name_path_value_and_expectation(tree: object, problem: str) -> None:
    decoded, problems = _decode(tree)
    assert decoded is None
    assert [found[: len(problem)] if problem.endswith(": ") else found for found in problems] == [problem]


def test_every_problem_is_reported() -> None:
    _, problems = _decode(
        {"workers": 0, "tags": [1, "a", 2], "titel": "x", "account": {"cert": 3}, "level": "${MISSING}"}
    )
    assert [problem.split(": ")[0] for problem in problems] == [
        "s.workers",
        "s.tags[0]",
        "s.tags[2]",
        "s.titel",
        "s.account.cert",
        "s.account.name",
        "s.level",
    ]


def test_a_missing_key_at_the_top_has_no_dot() -> None:
    decoder = Decoder(None, FOLDER)
    assert decoder.decode(Account, {}, "") is None
    assert decoder.problems == ["name: missing"]


def test_a_required_secret_may_come_from_its_file(tmp_path: Path) -> None:
    class Needs(msgspec.Struct, frozen=True, kw_only=True):
        token: Secret

    (tmp_path / "token").write_text("hunter2\n")
    decoder = Decoder(None, tmp_path)
    assert decoder.decode(Needs, {"token_file": "token"}, "x").token.reveal() == "hunter2"
    assert decoder.decode(Needs, {}, "x") is None
    assert decoder.problems == ["x.token: missing"]
