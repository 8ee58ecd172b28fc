"""What is asked of the API: paths and selectors of the resources that are followed."""

from __future__ import annotations

from agent_observability.cr_state.runners import RUNNER_LABELS
from agent_observability.kube.sink import Resource

__all__ = ["CUSTOM", "deployments", "namespaced", "namespaces", "pods"]

CUSTOM = "/apis/vteam.ambient-code/v1alpha1"

# By name: the group and version, and the labels of those that matter.
_NAMESPACED = {
    "agenticsessions": (CUSTOM, ""),
    "rfeworkflows": (CUSTOM, ""),
    "projectsettings": (CUSTOM, ""),
    "jobs": ("/apis/batch/v1", RUNNER_LABELS),
    "pods": ("/api/v1", RUNNER_LABELS),
}


def namespaced(name: str, scope: str) -> Resource:
    """A resource of the projects, in one namespace or everywhere."""
    prefix, labels = _NAMESPACED[name]
    return Resource(name, _path(prefix, name, scope), labels)


def deployments(namespace: str, labels: str) -> Resource:
    """Those of a platform component."""
    return Resource("deployments", _path("/apis/apps/v1", "deployments", namespace), labels)


def pods(namespace: str, labels: str) -> Resource:
    """Those of a platform component."""
    return Resource("pods", _path("/api/v1", "pods", namespace), labels)


def namespaces(labels: str) -> Resource:
    """Those that are selected."""
    return Resource("namespaces", "/api/v1/namespaces", labels)


def _path(prefix: str, name: str, namespace: str) -> str:
    return f"{prefix}/namespaces/{namespace}/{name}" if namespace else f"{prefix}/{name}"
