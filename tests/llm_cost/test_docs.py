"""The pages of the exporter and its intake: options are the defaults, examples are taken, queries and values work."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
import yaml

from agent_observability.config import parse, tree
from agent_observability.intake.config import IntakeConfig
from agent_observability.llm_cost.config import AccountConfig, BudgetConfig, LlmCostConfig
from agent_observability.llm_cost.events import TokenCounts, UnitCounts, UnitEvent, UsageEvent
from agent_observability.llm_cost.pricing.prices import parse as parse_prices
from tests.catalogue import check_expression
from tests.helm.chart import render
from tests.host.test_docs import names
from tests.support import ROOT

PAGE = (ROOT / "docs/exporters/llm_cost.md").read_text()
INTAKE = (ROOT / "docs/intake.md").read_text()
OPTIONS, *BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PUSHED = re.findall(r"curl [^`]*?/api/v1/(usage|units)\b[^`]*?-d '(.*?)'\n", PAGE + INTAKE, re.DOTALL)
VALUES = re.findall(r"```yaml\n# values.yaml\n(.*?)```", PAGE + INTAKE, re.DOTALL)


def _section(block: str) -> LlmCostConfig:
    # What files hold is not here.
    text = re.sub(r"key_file: [^,}\s]+", "key: x", block)
    found: LlmCostConfig = parse(text, "llm_cost.md", ROOT).sections["llm_cost"]
    return found


def _table(page: str, title: str) -> str:
    return page.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def test_the_options_are_the_defaults() -> None:
    assert _section(OPTIONS) == LlmCostConfig()


def test_no_option_is_missing() -> None:
    assert names(tree(OPTIONS, "llm_cost.md")["llm_cost"]) == names(msgspec.to_builtins(LlmCostConfig(), enc_hook=str))


def test_the_intakes_options_are_the_defaults() -> None:
    [block] = [text for text in re.findall(r"```yaml\n(.*?)```", INTAKE, re.DOTALL) if text.startswith("intake:")]
    assert parse(block, "intake.md", ROOT).intake == IntakeConfig()
    assert tree(block, "intake.md")["intake"].keys() == set(IntakeConfig.__struct_fields__)


def test_every_option_of_budgets_and_accounts_is_shown() -> None:
    shown = [tree(text, "llm_cost.md")["llm_cost"] for text in BLOCKS if text.startswith("llm_cost:")]
    budgets = {name for one in shown for budget in one.get("budgets", []) for name in budget}
    accounts = {name for one in shown for several in one.get("billing", {}).values() for a in several for name in a}
    assert budgets == set(BudgetConfig.__struct_fields__)
    assert {name.removesuffix("_file") for name in accounts} == set(AccountConfig.__struct_fields__)


@pytest.mark.parametrize("block", [text for text in BLOCKS if text.startswith("llm_cost:")])
def test_the_other_options_are_valid(block: str) -> None:
    assert _section(block) != LlmCostConfig()


def test_the_prices_are_valid() -> None:
    [block] = [text for text in BLOCKS if text.startswith("prices:")]
    assert {entry.provider for entry in parse_prices(block, "prices.yaml")} == {"openai", "vllm"}


@pytest.mark.parametrize("kind", [UsageEvent, TokenCounts, UnitCounts, UnitEvent])
def test_every_field_that_is_pushed_is_described(kind: type[msgspec.Struct]) -> None:
    named = set(re.findall(r"`(\w+)`", _table(PAGE, "## Usage as JSON")))
    assert set(kind.__struct_fields__) <= named


def test_what_is_described_is_a_field() -> None:
    table = _table(PAGE, "## Usage as JSON").partition("\n```")[0]
    first = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert first == set(UsageEvent.__struct_fields__)


@pytest.mark.parametrize(("path", "body"), PUSHED)
def test_examples_are_taken(path: str, body: str) -> None:
    """But for those that show what becomes of a mistake."""
    kind = UsageEvent if path == "usage" else UnitEvent
    event = json.loads(body.replace("'$(date -u +%FT%TZ)'", "2026-11-20T12:00:00Z"))
    if isinstance(event, list):
        first, wrong = event
        assert msgspec.convert(first, kind)
        with pytest.raises(msgspec.ValidationError, match="`token`"):
            msgspec.convert(wrong, kind)
    else:
        assert msgspec.convert(event, kind)


def test_there_are_examples() -> None:
    assert {path for path, _ in PUSHED} == {"usage", "units"}
    assert len(PUSHED) >= 5


@pytest.mark.parametrize("query", re.findall(r"```promql\n(.*?)```", PAGE + INTAKE, re.DOTALL))
def test_queries_work(query: str) -> None:
    assert check_expression(query, "llm_cost.md") == []


@pytest.mark.parametrize("block", VALUES)
def test_values_render(block: str) -> None:
    release = render(yaml.safe_load(block))
    text = release.one("ConfigMap", "-intake")["data"]["agent-obs.yaml"]
    text = re.sub(r"(key|url)_file: \S+", lambda match: f"{match[1]}: x", text)
    assert parse(text, "the pod's file", ROOT).intake.keys_file is not None
    wanted = yaml.safe_load(block).get("reports", {})
    kinds = {name for name, value in wanted.items() if isinstance(value, dict) and value.get("enabled")}
    assert {job["metadata"]["name"].rpartition("-")[2] for job in release.of("CronJob")} == kinds


def test_names_in_the_text_are_those_of_the_chart() -> None:
    release = render()
    there = {item["metadata"]["name"] for item in release.objects}
    pod = release.one("StatefulSet", "-intake")
    there |= {f"{pod['metadata']['name']}-0"}
    there |= {v["secret"]["secretName"] for v in pod["spec"]["template"]["spec"]["volumes"] if "secret" in v}
    assert set(re.findall(r"obs-agent-observability-[a-z0-9-]+", PAGE + INTAKE)) <= there
