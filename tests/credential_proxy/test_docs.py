"""The page of the exporter: options are the defaults, examples are read, queries, values and manifests work."""

from __future__ import annotations

import copy
import json
import re
import zoneinfo
from typing import Any

import kubernetes_validate
import msgspec
import pytest
import yaml

from agent_observability.config import parse, tree
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES, REASONS
from agent_observability.credential_proxy.parser import Parser
from agent_observability.credential_proxy.record import Record
from agent_observability.tail.metrics import TAIL_LINES
from tests.catalogue import check_expression
from tests.helm.chart import Rendered, render
from tests.host.test_docs import names
from tests.support import ROOT

PAGE = (ROOT / "docs/exporters/credential_proxy.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
QUERIES = re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)
RECORDS = re.findall(r"^(?:\{|\d{4}-\d\d-\d\d ).*$", PAGE, re.MULTILINE)
SECTIONS = [text for text in BLOCKS if "credential_proxy:" in text and "exporters:" not in text]
VALUES = [yaml.safe_load(text) for text in BLOCKS if text.startswith("# values.yaml\n")]
[_OPTIONS] = [text for text in SECTIONS if "live_within" in text]


def _table(title: str) -> str:
    return PAGE.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def _first_cells(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_the_options_are_the_defaults() -> None:
    assert parse(_OPTIONS, "credential_proxy.md", ROOT).sections["credential_proxy"] == CredentialProxyConfig()


def test_no_option_is_missing() -> None:
    shown = names(tree(_OPTIONS, "credential_proxy.md")["credential_proxy"])
    assert shown == names(msgspec.to_builtins(CredentialProxyConfig(), enc_hook=str))


@pytest.mark.parametrize("block", [text for text in SECTIONS if text != _OPTIONS])
def test_the_other_options_are_valid(block: str) -> None:
    found: Any = parse(block, "credential_proxy.md", ROOT).sections["credential_proxy"]
    assert found != CredentialProxyConfig()
    assert found.missing_source() == ""


def test_there_are_examples_of_everything() -> None:
    assert (len(RECORDS), len(SECTIONS), len(VALUES)) == (3, 3, 2)
    assert len(QUERIES) >= 5


@pytest.mark.parametrize(
    ("line", "expected"),
    list(
        zip(
            RECORDS,
            [
                ("github", "clone", "granted", "", "3f9c1d20a7be", 0.002),
                ("aws", "assume", "rejected", "unknown_service", "pid:18", None),
                ("anthropic", "api_call", "error", "internal_error", "pid:19", None),
            ],
            strict=True,
        )
    ),
    ids="ABC",
)
def test_the_records_are_read(line: str, expected: tuple[Any, ...]) -> None:
    record = Parser(CredentialProxyConfig().services, zoneinfo.ZoneInfo("UTC")).parse(line.encode())
    assert isinstance(record, Record)
    assert tuple(record)[1:] == expected


def test_every_reason_type_and_result_is_explained() -> None:
    reads = _table("## What it reads")
    assert _first_cells(reads) >= set(REASONS)
    assert _first_cells(_table("## Anomalies")) == set(ANOMALY_TYPES)
    results = {value for label in TAIL_LINES.labels for value in label.values} - {"parsed"}
    assert _first_cells(reads) >= results


@pytest.mark.parametrize("query", QUERIES)
def test_queries_work(query: str) -> None:
    assert check_expression(query, "credential_proxy.md") == []


@pytest.mark.parametrize("values", VALUES, ids=["on nodes", "in pods"])
def test_values_render(values: Any) -> None:
    config = render(values).one("ConfigMap", "-credential-proxy")["data"]["agent-obs.yaml"]
    section: Any = parse(config, "the pod's file", ROOT).sections["credential_proxy"]
    assert section.log.paths == ["/var/log/credential-proxy/audit.log"]
    assert section.probes.targets == {"socket": "unix:///run/credential-proxy/proxy.sock"}


def _patched() -> tuple[Rendered, Any]:
    """What the chart renders for pods, and the page's Deployment once its patch was applied: lists merge by name."""
    [values] = [one for one in VALUES if one["exporters"]["credential_proxy"].get("kind") == "Sidecar"]
    [deployment] = [yaml.safe_load(text) for text in BLOCKS if "kind: Deployment" in text]
    release = render(values)
    patch = yaml.safe_load(release.one("ConfigMap", "-credential-proxy-sidecar")["data"]["patch.yaml"])
    theirs, added = (one["spec"]["template"]["spec"] for one in (deployment, patch))
    for part in ("containers", "volumes"):
        assert not {one["name"] for one in theirs[part]} & {one["name"] for one in added[part]}
        theirs[part] += copy.deepcopy(added[part])
    return release, deployment


def test_a_sidecar_fits_into_the_pod() -> None:
    """The same user, volumes that there are, the configuration of its namespace, found by its labels and port."""
    release, deployment = _patched()
    kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)
    template = deployment["spec"]["template"]
    proxy, added = template["spec"]["containers"]
    user = template["spec"]["securityContext"]
    assert (added["securityContext"]["runAsUser"], added["securityContext"]["runAsGroup"]) == (
        user["runAsUser"],
        user["runAsGroup"],
    )
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    mounts = {one["mountPath"]: one["name"] for one in added["volumeMounts"]}
    assert set(mounts.values()) <= volumes.keys()
    for shared in proxy["volumeMounts"]:
        assert mounts[shared["mountPath"]] == shared["name"]
    assert "emptyDir" in volumes[mounts["/var/lib/agent-obs"]]
    config = volumes[mounts["/etc/agent-obs/config"]]["configMap"]["name"]
    found = release.one("ConfigMap", "-credential-proxy")["metadata"]
    assert (found["name"], found["namespace"]) == (config, deployment["metadata"]["namespace"])
    prometheus = yaml.safe_load(release.one("ConfigMap", "-prometheus")["data"]["prometheus.yml"])
    [job] = [one for one in prometheus["scrape_configs"] if one["job_name"] == "agent-obs-credential_proxy"]
    [app] = [
        step for step in job["relabel_configs"] if "__meta_kubernetes_pod_label_app" in step.get("source_labels", [])
    ]
    assert app["regex"] == template["metadata"]["labels"]["app"]
    assert [port["name"] for port in added["ports"]] == ["metrics-9803"]


def test_commands_name_what_there_is() -> None:
    release, deployment = _patched()
    names_ = {item["metadata"]["name"] for item in release.objects}
    assert set(re.findall(r"obs-agent-observability-[a-z-]+", PAGE)) <= names_
    assert f"patch deployment {deployment['metadata']['name']} " in PAGE
    compose = (ROOT / "manifests" / "compose.proxy.yaml").read_text()
    for variable in re.findall(r"\b(CREDENTIAL_PROXY_\w+)=", PAGE):
        assert f"${{{variable}:" in compose


def test_the_page_shows_no_credential() -> None:
    """Records of grants have neither a prefix nor a hash of what was granted."""
    for line in RECORDS:
        said = json.loads(line[line.index("{") :])
        assert not {"prefix", "value_hash", "value"} & said.get("credential", {}).keys()
