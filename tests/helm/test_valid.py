"""Every object of every value set is one that Kubernetes accepts, and what refers to another object finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from tests.helm.chart import CHART, Object, Rendered, render, value_sets, values_of

_NEWEST = kubernetes_validate.latest_version()
_CUSTOM = {"PodMonitor", "PrometheusRule", "GrafanaDashboard"}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_LONG = "a-release-whose-name-is-as-long-as-helm-allows-53-chars"[:53]

sets = pytest.mark.parametrize("name", value_sets())


def rendered(name: str, **options: str) -> Rendered:
    values, chart = values_of(name)
    return render(values, chart, **options)


def pods(release: Rendered) -> Iterator[tuple[str, Object]]:
    """Name and pod template of everything that runs, the check included."""
    for item in release.objects:
        if item["kind"] in _WORKLOADS:
            yield item["metadata"]["name"], item["spec"]["template"]
        elif item["kind"] == "CronJob":
            yield item["metadata"]["name"], item["spec"]["jobTemplate"]["spec"]["template"]
        elif item["kind"] == "Pod":
            yield item["metadata"]["name"], item


@sets
@pytest.mark.parametrize("version", [_NEWEST])
def test_objects_are_valid(name: str, version: str) -> None:
    for item in rendered(name).objects:
        if item["kind"] not in _CUSTOM:
            kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("name", ["minimal", "everything"])
@pytest.mark.parametrize("version", ["1.28", "1.32"])
def test_older_versions_accept_them_too(name: str, version: str) -> None:
    for item in rendered(name).objects:
        if item["kind"] not in _CUSTOM:
            assert kubernetes_validate.validate(item, version, strict=True) == version


def test_an_invalid_object_is_noticed() -> None:
    broken = render().one("DaemonSet")
    broken = {**broken, "spec": {**broken["spec"], "replicas": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replicas"):
        kubernetes_validate.validate(broken, _NEWEST, strict=True)


@sets
@pytest.mark.parametrize("release", ["obs", _LONG])
def test_names_and_labels(name: str, release: str) -> None:
    result = rendered(name, release=release)
    keys = [(i["apiVersion"], i["kind"], i["metadata"].get("namespace"), i["metadata"]["name"]) for i in result.objects]
    assert len(set(keys)) == len(keys)
    for item in result.objects:
        metadata = item["metadata"]
        limit = 63 if item["kind"] in {*_WORKLOADS, "CronJob", "Service", "Pod"} else 253
        # The controller adds a hash or a number to the names of pods.
        limit -= 11 if item["kind"] in (*_WORKLOADS, "CronJob") else 0
        assert len(metadata["name"]) <= limit, metadata["name"]
        assert _NAME.fullmatch(metadata["name"])
        labels = metadata.get("labels", {})
        for key, value in labels.items():
            assert len(value) <= 63, (key, value)
            assert _LABEL.fullmatch(value), (key, value)


def _somebody_elses(release: Rendered, item: Object) -> bool:
    """A sidecar's pods are."""
    return item["metadata"]["name"] + "-sidecar" in {one["metadata"]["name"] for one in release.of("ConfigMap")}


@sets
def test_selectors_select_their_pods_only(name: str) -> None:
    result = rendered(name)
    templates = dict(pods(result))
    for item in result.objects:
        if item["kind"] in _WORKLOADS:
            selector = item["spec"]["selector"]["matchLabels"]
        elif item["kind"] == "Service":
            selector = item["spec"]["selector"]
        elif item["kind"] in ("NetworkPolicy", "PodDisruptionBudget"):
            selector = (item["spec"].get("podSelector") or item["spec"]["selector"])["matchLabels"]
        elif item["kind"] == "PodMonitor":
            selector = item["spec"]["selector"].get("matchLabels")
        else:
            continue
        if selector is None or _somebody_elses(result, item):
            continue
        selected = [
            pod for pod, template in templates.items() if selector.items() <= template["metadata"]["labels"].items()
        ]
        own = item["metadata"]["name"]
        assert selected, f"{item['kind']} {own} selects nothing"
        # Services for what is pushed and for names of pods are called after their process; shards of one Prometheus
        # share its Service, policy and budget, and so do reports.
        process = re.sub(r"-pods$|(?<=-probe)-intake$", "", own)
        theirs = re.compile(rf"{re.escape(process)}(-\d+|-daily|-weekly|-monthly)?")
        assert all(theirs.fullmatch(pod) for pod in selected), (own, selected)


@sets
def test_ports_are_the_containers(name: str) -> None:
    result = rendered(name)
    for pod, template in pods(result):
        ports = {port["name"] for c in template["spec"]["containers"] for port in c.get("ports", [])}
        labels = template["metadata"]["labels"].items()
        for container in template["spec"]["containers"]:
            for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                if probe in container:
                    assert container[probe]["httpGet"]["port"] in ports, (pod, probe)
        for service in result.of("Service"):
            if service["spec"]["selector"].items() <= labels:
                assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        for policy in result.of("NetworkPolicy"):
            if policy["spec"]["podSelector"]["matchLabels"].items() <= labels:
                named = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
                assert named <= ports
                # What nobody may connect to need not listen.
                unused = ports - named - {"intake"}
                assert unused == set(), (pod, unused)
        for monitor in result.of("PodMonitor"):
            if (
                "matchLabels" in monitor["spec"]["selector"]
                and monitor["spec"]["selector"]["matchLabels"].items() <= labels
            ):
                assert {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} <= ports


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    else:
        yield str(value)


@sets
def test_references_lead_somewhere(name: str) -> None:
    values, chart = values_of(name)
    result = render(values, chart)
    mentioned = set(_strings(values))
    there = {(item["kind"], item["metadata"]["name"]) for item in result.objects}
    for pod, template in pods(result):
        spec = template["spec"]
        claims = {
            claim["metadata"]["name"]
            for item in result.of("StatefulSet", pod)
            for claim in item["spec"].get("volumeClaimTemplates", [])
        }
        volumes = {volume["name"] for volume in spec["volumes"]} | claims
        for container in spec["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes, pod
        for container in spec.get("initContainers", []):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, pod
        if "serviceAccountName" in spec:
            assert ("ServiceAccount", spec["serviceAccountName"]) in there
        for volume in spec["volumes"]:
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                if "configMap" in source:
                    config = source["configMap"]["name"]
                    assert ("ConfigMap", config) in there, (pod, config)
                    keys = {item["key"] for item in source["configMap"].get("items", [])}
                    assert keys <= result.one("ConfigMap", config)["data"].keys()
                if "secret" in source:
                    secret = source["secret"]["secretName"]
                    known = ("Secret", secret) in there or secret in mentioned or source["secret"].get("optional")
                    assert known, (pod, secret)
    for item in [*result.of("RoleBinding"), *result.of("ClusterRoleBinding")]:
        assert (item["roleRef"]["kind"], item["roleRef"]["name"]) in there
        assert all(("ServiceAccount", subject["name"]) in there for subject in item["subjects"])
    for item in result.of("GrafanaDashboard"):
        reference = item["spec"]["configMapRef"]
        assert reference["key"] in result.one("ConfigMap", reference["name"])["data"]
    for item in result.of("Ingress"):
        [rule] = item["spec"]["rules"]
        [path] = rule["http"]["paths"]
        service = result.one("Service", path["backend"]["service"]["name"])
        assert path["backend"]["service"]["port"]["number"] in {port["port"] for port in service["spec"]["ports"]}


def test_extra_manifests_are_templates() -> None:
    values, chart = values_of("everything")
    names = {item["metadata"]["name"] for item in render(values, chart, release="mine").of("ConfigMap")}
    assert {"extra-object", "mine-extra-text"} <= names
    assert chart == CHART
