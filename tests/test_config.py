from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.config import Config, LogConfig, WebConfig, load, parse
from agent_observability.errors import ConfigError
from agent_observability.registry import EXPORTERS
from tests.support import examples

FOLDER = Path("/etc/agent-obs")


def _parse(text: str, overrides: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> Config:
    return parse(text, "agent-obs.yml", FOLDER, overrides=overrides, environment=environment or {})


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "log:\nweb:\n", "null", "{}"])
def test_everything_has_a_default(text: str) -> None:
    config = _parse(text)
    assert (config.log, config.web) == (LogConfig(), WebConfig())
    assert config.sections.keys() == {exporter.name for exporter in EXPORTERS}
    assert all(type(config.sections[exporter.name]) is exporter.section for exporter in EXPORTERS)


def test_a_full_file() -> None:
    config = _parse(
        """
        log: {level: warning, format: json}
        web:
          listen: {host: ["127.0.0.1:9801", "[::1]:9801", ":9802"]}
          telemetry_path: /host/metrics
          config_file: web.yml
          max_requests: 3
          max_connections: ${CONNECTIONS}
          write_timeout: 1m
        limits: {model: 500}
        host: {path: {rootfs: /host}}
        """,
        environment={"CONNECTIONS": "7"},
    )
    assert config.log == LogConfig(level="warning", format="json")
    assert config.web.listen == {"host": ["127.0.0.1:9801", "[::1]:9801", ":9802"]}
    assert config.web.config_file == FOLDER / "web.yml"
    assert (config.web.telemetry_path, config.web.write_timeout) == ("/host/metrics", 60)
    assert (config.web.max_requests, config.web.max_connections) == (3, 7)
    assert config.limits == {"model": 500}
    assert config.sections["host"].path.rootfs == Path("/host")
    assert config.file == "agent-obs.yml"


@pytest.mark.parametrize(
    ("text", "overrides", "path", "requests"),
    [
        ("", {"web": {"telemetry_path": "/m"}}, "/m", 64),
        ("web: {telemetry_path: /a, max_requests: 5}", {"web": {"telemetry_path": "/m"}}, "/m", 5),
        ("web:", {"web": {"telemetry_path": "/m"}}, "/m", 64),
        ("web: {max_requests: 5}", {}, "/metrics", 5),
        ("web: {max_requests: 5}", {"log": {"level": "debug"}}, "/metrics", 5),
    ],
)
def test_overrides_win(text: str, overrides: dict[str, Any], path: str, requests: int) -> None:
    config = _parse(text, overrides)
    assert (config.web.telemetry_path, config.web.max_requests) == (path, requests)


def test_a_replaced_list_is_not_merged() -> None:
    config = _parse("web: {listen: {host: [':1', ':2']}}", {"web": {"listen": {"host": [":3"]}}})
    assert config.web.listen == {"host": [":3"]}


def test_an_override_does_not_hide_a_section_of_the_wrong_type() -> None:
    with pytest.raises(ConfigError, match="web: expected a mapping, got 5"):
        _parse("web: 5", {"web": {"telemetry_path": "/m"}})


def test_overrides_are_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"web\.max_requests: expected a whole number >= 1, got 0"):
        _parse("", {"web": {"max_requests": 0}})


def test_merge_keys_are_yaml_as_usual() -> None:
    config = _parse("log: &log {<<: {level: debug}, level: error}\nweb: {<<: {max_requests: 3}, max_connections: 9}\n")
    assert config.log.level == "error"
    assert (config.web.max_requests, config.web.max_connections) == (3, 9)


def test_every_problem_of_every_section_is_reported() -> None:
    with pytest.raises(ConfigError) as raised:
        _parse("log: {level: loud}\nwebb: {}\nweb: {max_requests: 0, listn: 1}\nhost: {path: {rotfs: /}}\n")
    assert raised.value.file == "agent-obs.yml"
    assert [problem.split(": ")[0] for problem in raised.value.problems] == [
        "log.level",
        "webb",
        "web.max_requests",
        "web.listn",
        "host.path.rotfs",
    ]


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "agent-obs.yml"
    file.write_text("log: {level: '${AGENT_OBS_TEST_LEVEL}'}\nweb: {config_file: web.yml}\n", encoding="utf-8")
    monkeypatch.setenv("AGENT_OBS_TEST_LEVEL", "debug")
    config = load(file)
    assert config.log.level == "debug"
    assert config.web.config_file == tmp_path / "web.yml"
    assert config.file == str(file)
    monkeypatch.chdir(tmp_path)
    assert load(Path("agent-obs.yml")).web.config_file == tmp_path / "web.yml"
    assert load(None).file == "command line"
    assert load(None, {"web": {"config_file": "w"}}).web.config_file == tmp_path / "w"


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone.yml", "cannot be read: No such file or directory"), ("folder", "cannot be read: Is a directory")],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {message}"


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, datetime.UTC])),
    st.binary(max_size=5),
    st.text(st.characters(), max_size=10),
    st.sampled_from(
        ["30s", "64KiB", ":9801", "${HOME}", "${", "$$", "/metrics", "(", "info", "a{99999999999999999999}"]
    ),
)
_keys = st.one_of(
    st.sampled_from(["log", "web", "host", "stack", "limits"]), st.none(), st.integers(), st.text(max_size=5)
)
_fields = st.sampled_from(
    [
        "level",
        "format",
        "listen",
        "telemetry_path",
        "config_file",
        "max_requests",
        "write_timeout",
        "ports",
        "retention",
        "prometheus",
        "path",
        "rootfs",
        "filesystem",
        "mount_points_exclude",
        "stat_timeout",
        "cgroup",
        "ids",
        "groups",
    ]
)
_trees = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_fields, inner, max_size=4),
        st.dictionaries(_keys, inner, max_size=4),
    ),
    max_leaves=15,
)


@settings(max_examples=examples(150), deadline=None)
@given(tree=st.dictionaries(_keys, st.one_of(_trees, st.dictionaries(_fields, _trees, max_size=4)), max_size=4))
def test_any_tree_is_a_configuration_or_a_config_error(tree: dict[Any, Any]) -> None:
    try:
        config = parse("", "any.yml", FOLDER, overrides=tree, environment={"HOME": "/root"})
    except ConfigError as error:
        assert error.problems
        assert all(error.problems)
    else:
        assert isinstance(config, Config)


@settings(max_examples=examples(150), deadline=None)
@given(st.one_of(st.text(), _trees.map(lambda tree: yaml.safe_dump(tree, allow_unicode=True))))
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    try:
        _parse(text)
    except ConfigError as error:
        assert error.problems


@pytest.mark.parametrize(
    "text",
    [
        "!!bool maybe",
        "!!timestamp soon",
        "!!int x",
        "a: " + "9" * 5000,
        "[" * 1000,
        "? [a]\n: b",
        "? {a: b}\n: c",
        "a: *b",
        "a: &a {<<: *a}",
        "&a [*a]",
        "log: &a\n  level: *a",
        "%YAML 9.9\n---\n",
        "\x00",
        "!!binary é",
        "<<: 5",
        "a: @b",
    ],
)
def test_what_yaml_parsers_stumble_over(text: str) -> None:
    with pytest.raises(ConfigError):
        _parse(text)
