"""`auto`: what the chart finds in a cluster, asked over HTTP as Helm asks it."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import helm_python
import pytest

from helm.plain import documents
from tests.helm.chart import CHART, PROXY, render
from tests.helm.discovery import GRAFANA_OPERATOR, OPENSHIFT, PLATFORM, PROMETHEUS_OPERATOR, Kinds, api_server


def files(folder: str, pattern: str) -> list[Path]:
    return list((CHART / "files" / folder).rglob(pattern))


_PAGES = len(files("dashboards", "*.json"))
# Those of the credential proxy come with its exporter, which has to be told what to read.
_RULES = len(files("rules", "*.yaml")) - 1


def install(values: dict[str, Any], *kinds: Kinds, labels: dict[str, str] | None = None) -> tuple[list[Any], str]:
    """Objects and notes of an installation that the server is only asked about."""
    with (
        api_server(*kinds, namespaces={"monitoring": labels or {}}) as url,
        helm_python.Config(kube_apiserver=url, namespace="monitoring") as config,
    ):
        release = config.install(CHART, "obs", values, dry_run="server", namespace="monitoring")
    return documents(release["manifest"]), release["notes"]


@pytest.mark.parametrize(
    ("kinds", "present", "absent"),
    [
        ((), {"StatefulSet": 4, "Deployment": 1}, {"PodMonitor", "PrometheusRule", "GrafanaDashboard"}),
        (
            (PROMETHEUS_OPERATOR,),
            {"StatefulSet": 2, "PodMonitor": 3, "PrometheusRule": _RULES},
            {"Deployment", "GrafanaDashboard"},
        ),
        ((GRAFANA_OPERATOR,), {"StatefulSet": 4, "GrafanaDashboard": _PAGES}, {"Deployment", "PodMonitor"}),
        (
            (PROMETHEUS_OPERATOR, GRAFANA_OPERATOR),
            {"StatefulSet": 2, "PodMonitor": 3, "GrafanaDashboard": _PAGES},
            {"Deployment"},
        ),
    ],
    ids=["neither operator", "Prometheus operator", "Grafana operator", "both operators"],
)
def test_what_is_installed_depends_on_the_cluster(
    kinds: tuple[Kinds, ...], present: dict[str, int], absent: set[str]
) -> None:
    objects, _ = install({}, *kinds)
    found = collections.Counter(item["kind"] for item in objects)
    assert {kind: found[kind] for kind in present} == present
    assert absent.isdisjoint(found)


def test_values_win_over_the_cluster() -> None:
    forced = {"prometheusOperator": {"enabled": False}, "grafanaOperator": {"enabled": False}}
    objects, _ = install(forced, PROMETHEUS_OPERATOR, GRAFANA_OPERATOR)
    kinds = {item["kind"] for item in objects}
    assert {"StatefulSet", "Deployment"} <= kinds
    assert {"PodMonitor", "GrafanaDashboard"}.isdisjoint(kinds)


def test_openshift_is_recognised() -> None:
    objects, notes = install({}, OPENSHIFT)
    [daemon_set] = [item for item in objects if item["kind"] == "DaemonSet"]
    assert "runAsUser" not in daemon_set["spec"]["template"]["spec"]["securityContext"]
    assert "SecurityContextConstraint" in notes


def test_a_cluster_without_the_platform_is_noticed() -> None:
    """The exporter is there all the same: the platform may come later."""
    objects, notes = install({})
    assert "obs-agent-observability-cr-state" in {
        item["metadata"]["name"] for item in objects if item["kind"] == "StatefulSet"
    }
    assert "The cluster has no agent sessions" in notes
    assert "agent sessions" not in install({}, PLATFORM)[1]
    assert "agent sessions" not in install({"exporters": {"cr_state": {"enabled": False}}})[1]
    assert "agent sessions" not in render().notes, "nobody was asked"


def test_a_namespace_that_refuses_the_mounts_is_noticed() -> None:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert "set exporters.credential_proxy.kind to Sidecar" in install(PROXY, labels=restricted)[1]
    assert "set exporters.host.hostPaths to false" in install({}, labels=restricted)[1]
    assert "hostPaths" not in install({"exporters": {"host": {"hostPaths": False}}}, labels=restricted)[1]
    assert "hostPaths" not in install({}, labels={"pod-security.kubernetes.io/enforce": "privileged"})[1]
