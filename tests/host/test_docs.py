"""The page of the exporter: its options block holds every option with its default, and its table every collector."""

from __future__ import annotations

import re

import msgspec

from agent_observability.config import parse, tree
from agent_observability.host.config import HostCollectors, HostConfig
from tests.support import ROOT

PAGE = (ROOT / "docs/exporters/host.md").read_text()
OPTIONS, *_ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_options_are_the_defaults() -> None:
    assert parse(OPTIONS, "host.md", ROOT).sections["host"] == HostConfig()


def test_no_option_is_missing() -> None:
    assert names(tree(OPTIONS, "host.md")["host"]) == names(msgspec.to_builtins(HostConfig(), enc_hook=str))


def test_no_collector_is_missing() -> None:
    table = PAGE.partition("## What it reads")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE) == list(HostCollectors.__struct_fields__)


def names(section: object, path: str = "") -> set[str]:
    if not isinstance(section, dict):
        return {path}
    return {name for key, value in section.items() for name in names(value, f"{path}.{key}")} or {path}
