"""The `intake` section: who may listen where, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_observability.config import parse
from agent_observability.errors import ConfigError
from agent_observability.intake.config import IntakeConfig


def intake(text: str, directory: Path) -> IntakeConfig:
    return parse(text, "config.yml", directory, environment={}).intake


def test_defaults(tmp_path: Path) -> None:
    """OTLP's own port, on loopback, so that no key is needed to begin with."""
    found = intake("", tmp_path)
    assert found == IntakeConfig()
    assert found.listen == ["127.0.0.1:4318"]
    assert found.keys_file is None
    assert (found.body, found.decompressed, found.timeout) == (8 * 1024**2, 32 * 1024**2, 30)


def test_everything(tmp_path: Path) -> None:
    text = """
    intake:
      listen: ["0.0.0.0:4318", "[::]:4319"]
      keys_file: keys.yml
      body: 1MiB
      decompressed: 4MiB
      items: 5
      rate: 6
      requests: 7
      connections: 8
      timeout: 9s
    """
    found = intake(text, tmp_path)
    assert found.keys_file == tmp_path / "keys.yml"
    numbers = (found.body, found.decompressed, found.items, found.rate, found.requests, found.connections)
    assert (*numbers, found.timeout) == (1024**2, 4 * 1024**2, 5, 6, 7, 8, 9)


@pytest.mark.parametrize("address", ["127.0.0.1:4318", "127.8.8.8:1", "localhost:4318", "[::1]:4318"])
def test_on_loopback_no_keys_are_needed(address: str, tmp_path: Path) -> None:
    assert intake(f"intake: {{listen: ['{address}']}}", tmp_path).listen == [address]


@pytest.mark.parametrize(
    "address", [":4318", "0.0.0.0:4318", "[::]:4318", "10.1.2.3:4318", "collector:4318", "[::ffff:10.0.0.1]:4318"]
)
def test_addresses_open_to_others_need_keys(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        intake(f"intake: {{listen: ['127.0.0.1:1', '{address}']}}", tmp_path)
    problem = f"intake: listen address {address!r} is open to others, which needs a keys_file"
    assert caught.value.problems == (problem,)
    with_keys = f"intake: {{listen: ['{address}'], keys_file: keys.yml}}"
    assert intake(with_keys, tmp_path).listen == [address]


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("listen", "[]", "intake: listen needs at least one address, such as 127.0.0.1:4318"),
        ("listen", "['4318']", "intake: listen address '4318': expected host:port, :port or [ipv6]:port"),
        ("listen", "127.0.0.1:1", "intake.listen: expected a list, got '127.0.0.1:1'"),
        ("keys_file", "1", "intake.keys_file: expected a path, got 1"),
        ("body", "1KB", "intake.body: expected at least 1024, got '1KB'"),
        ("decompressed", "lots", "intake.decompressed: expected a size such as 64KiB, 10MB or 4096, got 'lots'"),
        ("items", "0", "intake.items: expected a whole number >= 1, got 0"),
        ("rate", "-1", "intake.rate: expected a whole number >= 1, got -1"),
        ("rate", "10000000", "intake.rate: expected a whole number <= 1000000, got 10000000"),
        ("requests", "many", "intake.requests: expected a whole number, got 'many'"),
        ("connections", "0", "intake.connections: expected a whole number >= 1, got 0"),
        ("timeout", "30", "intake.timeout: expected a duration such as 30s, 5m or 1h30m, got 30"),
        ("timeout", "0s", "intake.timeout: expected more than 0, got '0s'"),
        ("lisen", "x", "intake.lisen: unknown key 'lisen'; did you mean 'listen'?"),
    ],
)
def test_refused(setting: str, value: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        intake(f"intake: {{{setting}: {value}}}", tmp_path)
    assert caught.value.problems == (problem,)
