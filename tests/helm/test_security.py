"""Least privilege: what containers may do, what service accounts may ask, who may connect to whom."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.helm.chart import render, value_sets, values_of
from tests.helm.test_valid import pods, rendered

sets = pytest.mark.parametrize("name", value_sets())


_RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
# Gives a folder of the node, which is root's, to the exporter.
_CHOWN: dict[str, Any] = {
    "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
    "runAsNonRoot": False,
    "runAsUser": 0,
    "runAsGroup": 0,
}


@sets
def test_containers_are_restricted(name: str) -> None:
    """The pod security standard `restricted`, but for mounts of the node, and more: a read-only root."""
    for pod, template in pods(rendered(name)):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), pod
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            prepares = container["name"] == "ledger" and pod.endswith("-credential-proxy")
            assert container["securityContext"] == _RESTRICTED | (_CHOWN if prepares else {})
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), pod
            assert "memory" in container["resources"]["limits"], pod


@sets
def test_only_two_exporters_see_the_node_and_only_to_read(name: str) -> None:
    """But for the folder with the ledger of the second one."""
    values, chart = values_of(name)
    proxy = values.get("exporters", {}).get("credential_proxy", {})
    chosen = {proxy[part]["hostPath"] for part in ("log", "socket", "ledger") if "hostPath" in proxy.get(part, {})}
    allowed = {"-host": {"/", "/proc", "/sys"}, "-credential-proxy": chosen}
    for pod, template in pods(render(values, chart)):
        spec = template["spec"]
        paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
        [known] = [places for end, places in allowed.items() if pod.endswith(end)] or [set()]
        assert set(paths.values()) <= known, pod
        [container] = spec["containers"]
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert all(mounts[volume]["readOnly"] for volume in paths.keys() - {"ledger"}), pod


def test_without_host_paths_nothing_of_the_node_is_mounted() -> None:
    values, chart = values_of("restricted")
    result = render(values, chart)
    template = result.one("DaemonSet")["spec"]["template"]["spec"]
    assert not [volume for volume in template["volumes"] if "hostPath" in volume]
    assert "path" not in yaml.safe_load(result.one("ConfigMap", "-host")["data"]["agent-obs.yaml"]).get("host", {})


@pytest.mark.parametrize(("name", "fixed"), [("minimal", True), ("openshift", False)])
def test_ids_are_left_to_openshift(name: str, fixed: bool) -> None:
    for _, template in pods(rendered(name)):
        assert (template["spec"]["securityContext"].keys() >= {"runAsUser", "runAsGroup", "fsGroup"}) is fixed
        assert ("runAsUser" in template["spec"]["securityContext"]) is fixed


@sets
def test_tokens_only_where_they_are_needed(name: str) -> None:
    result = rendered(name)
    bound = {
        subject["name"]
        for item in [*result.of("RoleBinding"), *result.of("ClusterRoleBinding")]
        for subject in item["subjects"]
    }
    for pod, template in pods(result):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is (spec.get("serviceAccountName") in bound), pod
    assert all(account["automountServiceAccountToken"] is False for account in result.of("ServiceAccount"))


_READ = ["get", "list", "watch"]
_PODS: dict[str, Any] = {"apiGroups": [""], "resources": ["pods"], "verbs": _READ}
_KUBELETS: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
]


_FOLLOW = ["list", "watch"]
_PLATFORM: list[dict[str, Any]] = [
    {
        "apiGroups": ["vteam.ambient-code"],
        "resources": ["agenticsessions", "rfeworkflows", "projectsettings"],
        "verbs": _FOLLOW,
    },
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _FOLLOW},
    {"apiGroups": [""], "resources": ["pods"], "verbs": _FOLLOW},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": _FOLLOW},
]


def test_prometheus_may_find_pods_and_ask_kubelets_and_nothing_else() -> None:
    result = render()
    assert [role["rules"] for role in result.of("Role")] == [[_PODS]]
    assert result.one("ClusterRole", "-prometheus")["rules"] == _KUBELETS
    without = render({"prometheus": {"scrapeKubelets": False}})
    assert without.of("ClusterRole", "-prometheus") == without.of("ClusterRoleBinding", "-prometheus") == []
    assert "kubelet" not in without.one("ConfigMap", "-prometheus")["data"]["prometheus.yml"]


def test_only_cr_state_may_follow_the_platform_and_nothing_else() -> None:
    result = render()
    assert {role["metadata"]["name"] for role in result.of("ClusterRole")} == {
        "monitoring-obs-agent-observability-prometheus",
        "monitoring-obs-agent-observability-cr-state",
    }
    assert result.one("ClusterRole", "-cr-state")["rules"] == _PLATFORM
    assert [subject["name"] for subject in result.one("ClusterRoleBinding", "-cr-state")["subjects"]] == [
        "obs-agent-observability-cr-state"
    ]


def test_selecting_namespaces_by_label_takes_the_right_to_list_them() -> None:
    config = {"cr_state": {"namespace_labels": "ambient-code.io/managed=true"}}
    rules = render({"exporters": {"cr_state": {"config": config}}}).one("ClusterRole", "-cr-state")["rules"]
    assert rules == [*_PLATFORM, {"apiGroups": [""], "resources": ["namespaces"], "verbs": _FOLLOW}]


def test_without_any_right_in_the_whole_cluster() -> None:
    values, chart = values_of("namespaced")
    result = render(values, chart)
    assert result.of("ClusterRole") == result.of("ClusterRoleBinding") == []
    roles = result.of("Role", "-cr-state")
    assert {role["metadata"]["namespace"] for role in roles} == {"agents-a", "agents-b", "platform"}
    assert all(role["rules"] == _PLATFORM for role in roles)
    for binding in result.of("RoleBinding", "-cr-state"):
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": "monitoring-obs-agent-observability-cr-state",
        }
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": "obs-agent-observability-cr-state", "namespace": "monitoring"}
        ]


def test_an_exporter_may_what_its_values_say() -> None:
    values, chart = values_of("postgresql")
    result = render(values, chart)
    role = result.one("ClusterRole", "-probe")
    assert role["rules"] == values["exporters"]["probe"]["rbac"]["clusterRules"]
    assert result.one("ClusterRoleBinding", "-probe")["roleRef"]["name"] == role["metadata"]["name"]


def test_a_sidecars_pods_are_found_where_they_are() -> None:
    values, chart = values_of("sidecar")
    result = render(values, chart)
    namespaces = {role["metadata"]["namespace"] for role in result.of("Role")}
    assert namespaces == {"monitoring", "agents-a", "agents-b"}
    bindings = result.of("RoleBinding")
    assert {binding["metadata"]["namespace"] for binding in bindings} == namespaces
    assert {binding["subjects"][0]["namespace"] for binding in bindings} == {"monitoring"}


def _ingress(name: str, policy: str) -> list[dict[str, Any]]:
    [found] = rendered(name).of("NetworkPolicy", policy)
    rules: list[dict[str, Any]] = found["spec"]["ingress"]
    return rules


def test_scrapes_only_from_prometheus() -> None:
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    assert _ingress("minimal", "-host") == [{"from": [peer], "ports": [{"port": "metrics-9801"}]}]
    result = render()
    prometheus = result.one("StatefulSet", "-prometheus")["spec"]["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= prometheus.items()
    [policy] = result.of("NetworkPolicy", "-host")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy["spec"]


def test_cr_state_reaches_the_api_server_only() -> None:
    """By its ports, since no selector can name it."""
    [policy] = render().of("NetworkPolicy", "-cr-state")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["egress"] == [{"ports": [{"port": port, "protocol": "TCP"} for port in (443, 6443)]}]


def test_intakes_only_from_the_configured_namespaces() -> None:
    values, _ = values_of("postgresql")
    scrapes, intake = _ingress("postgresql", "-probe")
    assert {port["port"] for port in scrapes["ports"]} == {"metrics-9898", "metrics-9899"}
    assert intake == {"from": values["exporters"]["probe"]["intake"]["from"], "ports": [{"port": "intake"}]}
    # Nobody is configured: nobody may.
    assert len(_ingress("sidecar", "-probe")) == 1


def test_the_bundled_servers_talk_to_each_other_only() -> None:
    [prometheus] = _ingress("minimal", "-prometheus")
    who = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in prometheus["from"]}
    assert who == {"prometheus", "grafana", "check"}
    web, gossip = _ingress("ha", "-alertmanager")
    assert web["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    assert gossip["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "alertmanager"


def test_policies_can_be_switched_off() -> None:
    assert render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy") == []


@sets
def test_no_secret_is_written_down(name: str) -> None:
    """Only names of secrets and paths of mounted files; the one Secret holds the routing."""
    for secret in rendered(name).of("Secret"):
        assert secret["metadata"]["name"].endswith("-alertmanager")
        routing = yaml.safe_load(secret["stringData"]["alertmanager.yaml"])
        secretive = {"smtp_auth_password", "slack_api_url", "routing_key", "service_key", "password", "credentials"}
        assert not secretive & set(_keys(routing))


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    return [key for item in value for key in _keys(item)] if isinstance(value, list) else []
