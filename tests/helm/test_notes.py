"""NOTES.txt: what was installed, what was not and why, and what to look at."""

from __future__ import annotations

import pytest

from tests.helm.chart import CHART, Object, render, values_of

_PAGES = len(list((CHART / "files" / "dashboards").rglob("*.json")))
_PUSHED: Object = {"intake": {"intake": {"namespaces": ["agents"]}}}
_MAIL: Object = {"from": "obs@example.org", "to": ["a@example.org"], "smtp": {"host": "mail"}}
_TO = {"receivers": {"slack": {"existingSecret": "slack"}, "deadMan": {"url": "https://x.example.org"}}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "✓ host exporter (DaemonSet)"),
        ({}, "✓ cr_state exporter (StatefulSet)"),
        ({}, "✓ Prometheus (server, 1 replica(s))"),
        ({}, "port-forward svc/obs-agent-observability-grafana 3000"),
        ({}, f"✓ {_PAGES} dashboard(s), one ConfigMap each\n"),
        ({}, "– PodMonitors, PrometheusRules: the cluster does not know them"),
        ({}, "helm test obs --namespace monitoring --logs"),
        ({"prometheusOperator": {"enabled": True}}, "✓ PodMonitors and PrometheusRules"),
        ({"prometheusOperator": {"enabled": True}}, "– Prometheus: the operator runs it"),
        ({"prometheusOperator": {"enabled": True}}, "– Grafana: an operator runs it"),
        ({"prometheusOperator": {"enabled": False}}, "PrometheusRules: prometheusOperator.enabled is false"),
        ({"prometheus": {"enabled": False}}, "– Prometheus: prometheus.enabled is false"),
        ({"prometheus": {"enabled": False}}, "– Alertmanager: nothing here sends it alerts"),
        ({"prometheus": {"enabled": False}}, "– Grafana: there is no Prometheus here for it to read"),
        ({"grafana": {"enabled": False}}, "– Grafana: grafana.enabled is false"),
        ({"exporters": {"host": {"enabled": False}}}, "– host exporter, its rules: disabled"),
        ({"exporters": {"cr_state": {"enabled": False}}}, "– cr_state exporter, its rules: disabled"),
        ({}, "✓ llm_cost exporter (StatefulSet)"),
        ({"exporters": {"intake": {"enabled": False}}}, "– llm_cost exporter, its rules: disabled"),
        ({}, "Applications push to http://obs-agent-observability-intake.monitoring.svc:4318"),
        ({}, "create secret generic obs-agent-observability-intake-keys --from-file=keys.yml"),
        ({"exporters": {"intake": {"intake": {"keysSecret": "mine"}}}}, "Until Secret mine is there, nobody is let in"),
        (
            {"reports": {**_MAIL, "weekly": {"enabled": True, "to": ["a@example.org", "b@example.org"]}}},
            "✓ weekly report (0 7 * * 1, Etc/UTC), for 2 recipient(s)",
        ),
        ({"dashboards": {"exclude": ["agentobs-host"]}}, "– dashboard agentobs-host: excluded"),
    ],
)
def test_what_was_installed(values: Object, expected: str) -> None:
    assert expected in render(values).notes


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({}, "No receiver is configured: alerts fire, and nobody is told."),
        ({}, "No dead-man receiver"),
        ({}, "grafanaUrl is empty"),
        (
            {"alertmanager": {"receivers": {"email": {"smarthost": "m:25", "from": "a@b.c", "finance": "d@b.c"}}}},
            "Only alerts about money are delivered",
        ),
        ({"alertmanager": {"enabled": False}}, "Prometheus has no Alertmanager to send alerts to"),
        ({"prometheus": {"mode": "agent", "remoteWrite": [{"url": "http://x"}]}}, "Prometheus only forwards"),
        ({"prometheus": {"enabled": False}}, "Nothing scrapes the exporters"),
        ({"rules": {"recording": False}}, "alerts that read recorded series cannot fire"),
        ({"prometheusOperator": {"enabled": True}}, "prometheusOperator.additionalLabels is empty"),
        ({"openshift": True}, "SecurityContextConstraint"),
        ({}, "No pod may connect to obs-agent-observability-intake: name the namespaces"),
        ({"rules": {"alerts": {"HostCpuHigh": {"enabled": False}}}}, "Alert HostCpuHigh is disabled."),
    ],
)
def test_warnings(values: Object, warning: str) -> None:
    assert f"▲ {warning}" in render(values).notes or (warning in render(values).notes and "▲" in render(values).notes)


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"alertmanager": _TO}, "receiver"),
        ({"alertmanager": {"config": {"route": {"receiver": "a"}, "receivers": [{"name": "a"}]}}}, "receiver"),
        ({"grafanaUrl": "https://g.example.org"}, "grafanaUrl"),
        (
            {"alertmanager": {"enabled": False}, "prometheus": {"alertmanagers": [{"static_configs": []}]}},
            "no Alertmanager",
        ),
        ({"openshift": True, "exporters": {"host": {"hostPaths": False}}}, "SecurityContextConstraint"),
        ({"prometheusOperator": {"enabled": True, "additionalLabels": {"release": "x"}}}, "additionalLabels"),
        ({"exporters": _PUSHED}, "No pod may connect"),
        ({"exporters": {"intake": {"intake": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}}}}, "No pod may connect"),
        ({"networkPolicy": {"enabled": False}}, "No pod may connect"),
        ({"exporters": {"intake": {"enabled": False}}}, "No pod may connect"),
    ],
)
def test_no_warning_without_a_cause(values: Object, warning: str) -> None:
    _, _, looked_at = render(values).notes.partition("Look at this")
    assert warning not in looked_at.partition("Check that")[0]


def test_nothing_to_look_at() -> None:
    notes = render({"grafanaUrl": "https://g.example.org", "alertmanager": _TO, "exporters": _PUSHED}).notes
    assert "Look at this" not in notes


def test_a_sidecar_says_what_to_do() -> None:
    values, chart = values_of("sidecar")
    notes = render(values, chart).notes
    assert "✓ probe_proxy exporter (Sidecar: see below what to add to the pods in agents-a, agents-b)" in notes
    assert "kubectl -n monitoring get configmap obs-agent-observability-probe-proxy-sidecar -o jsonpath=" in notes
    assert "✓ probe_a and probe_b exporter (StatefulSet)" in notes
