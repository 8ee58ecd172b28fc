"""The page of the exporter: its options are the defaults, its queries and values work, its role is the chart's."""

from __future__ import annotations

import re

import kubernetes_validate
import msgspec
import pytest
import yaml

from agent_observability.config import parse, tree
from agent_observability.cr_state.activity import Activity
from agent_observability.cr_state.config import CrStateConfig
from tests.catalogue import check_expression
from tests.helm.chart import CHART, render
from tests.host.test_docs import names
from tests.support import ROOT

PAGE = (ROOT / "docs/exporters/cr_state.md").read_text()
OPTIONS, *BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
QUERIES = re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)
RULES = yaml.safe_load((CHART / "values.yaml").read_text())["exporters"]["cr_state"]["rbac"]["clusterRules"]


def test_the_options_are_the_defaults() -> None:
    assert parse(OPTIONS, "cr_state.md", ROOT).sections["cr_state"] == CrStateConfig()


def test_no_option_is_missing() -> None:
    assert names(tree(OPTIONS, "cr_state.md")["cr_state"]) == names(msgspec.to_builtins(CrStateConfig(), enc_hook=str))


def test_the_other_options_are_valid() -> None:
    [block] = [text for text in BLOCKS if text.startswith("cr_state:")]
    assert parse(block, "cr_state.md", ROOT).sections["cr_state"] != CrStateConfig()


@pytest.mark.parametrize("query", QUERIES)
def test_queries_work(query: str) -> None:
    assert check_expression(query, "cr_state.md") == []


@pytest.mark.parametrize("block", [text for text in BLOCKS if text.startswith("# values.yaml\n")])
def test_values_render(block: str) -> None:
    config = render(yaml.safe_load(block)).one("ConfigMap", "-cr-state")["data"]["agent-obs.yaml"]
    assert {"cr_state", "ledger"} & tree(config, "the pod's file").keys()
    parse(config.replace("url_file: ", "directory: "), "the pod's file", ROOT)


def test_the_role_is_the_charts_and_namespaces() -> None:
    [role] = [yaml.safe_load(text) for text in BLOCKS if "kind: ClusterRole" in text]
    *own, namespaces = role["rules"]
    assert own == RULES
    assert namespaces == {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}
    kubernetes_validate.validate(role, kubernetes_validate.latest_version(), strict=True)


def test_every_resource_is_in_the_table() -> None:
    table = PAGE.partition("## What it reads")[2].partition("\n## ")[0]
    rows = "".join(re.findall(r"^\|(.*?)\|", table, re.MULTILINE))
    resources = {resource for rule in RULES for resource in rule["resources"]} | {"namespaces"}
    assert resources <= set(re.findall(r"`(\w+)`", rows))


def test_every_segment_is_in_the_table() -> None:
    table = PAGE.partition("### Segments")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", table, re.MULTILINE)
    assert {(segment, window) for segment, windows in rows for window in windows.split(", ")} == set(
        Activity().segments(0.0)
    )
