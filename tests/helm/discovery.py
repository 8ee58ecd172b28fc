"""A Kubernetes API server as far as Helm asks one before it installs: versions and kinds, and no object exists yet.

Paths: https://kubernetes.io/docs/reference/using-api/api-concepts/; forms: the kinds APIGroupList and APIResourceList.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["BUILT_IN", "GRAFANA_OPERATOR", "OPENSHIFT", "PLATFORM", "PROMETHEUS_OPERATOR", "api_server"]

Kinds = dict[str, tuple[str, ...]]

BUILT_IN: Kinds = {
    "v1": ("ConfigMap", "Namespace", "Pod", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim"),
    "apiregistration.k8s.io/v1": ("APIService",),
    "apps/v1": ("DaemonSet", "Deployment", "StatefulSet"),
    "batch/v1": ("CronJob", "Job"),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
}
PROMETHEUS_OPERATOR: Kinds = {"monitoring.coreos.com/v1": ("PodMonitor", "PrometheusRule", "ServiceMonitor")}
GRAFANA_OPERATOR: Kinds = {"grafana.integreatly.org/v1beta1": ("GrafanaDashboard",)}
OPENSHIFT: Kinds = {"security.openshift.io/v1": ("SecurityContextConstraints",)}
PLATFORM: Kinds = {"vteam.ambient-code/v1alpha1": ("AgenticSession", "ProjectSettings")}

_CLUSTER_WIDE = {"APIService", "ClusterRole", "ClusterRoleBinding", "Namespace", "SecurityContextConstraints"}


@contextlib.contextmanager
def api_server(*kinds: Kinds, namespaces: dict[str, dict[str, str]] | None = None) -> Iterator[str]:
    """The address of one that knows the built-in kinds and these; `namespaces` exist, with these labels."""
    answers = _answers({version: names for group in (BUILT_IN, *kinds) for version, names in group.items()})
    for name, labels in (namespaces or {}).items():
        metadata = {"name": name, "labels": labels, "uid": name, "resourceVersion": "1"}
        answers[f"/api/v1/namespaces/{name}"] = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/") or "/"
            found = answers.get(path)
            missing = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
            if found is None and path.endswith("/secrets"):
                # Where Helm keeps releases: there is none.
                found = {"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": []}
            body = json.dumps(missing if found is None else found).encode()
            if path == "/openapi/v2":
                # As protobuf: no schema at all. Objects are validated elsewhere, and this server accepts every one.
                found, body = {}, b""
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answers(kinds: Kinds) -> dict[str, Any]:
    groups = sorted({version.partition("/")[0] for version in kinds if "/" in version})
    answers: dict[str, Any] = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, kinds) for name in groups]},
    }
    for version, names in kinds.items():
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        resources = [
            {
                "name": f"{name.lower()}s",
                "kind": name,
                "namespaced": name not in _CLUSTER_WIDE,
                "verbs": ["get", "list"],
            }
            for name in names
        ]
        answers[path] = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
    return answers


def _group(name: str, kinds: Kinds) -> dict[str, Any]:
    versions = [
        {"groupVersion": version, "version": version.partition("/")[2]}
        for version in kinds
        if version.partition("/")[0] == name and "/" in version
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}
