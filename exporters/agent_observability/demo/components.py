"""The demo platform's own parts: deployments that are rolled out, and containers that restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_observability.demo.kube_store import KubeStore

if TYPE_CHECKING:
    from agent_observability.demo.platform import Platform

__all__ = ["LABELS", "Rollouts"]

LABELS = {"frontend": "frontend", "backend-api": "backend", "agentic-operator": "operator"}
"""The components' names by their label `app`."""

_NAMESPACE = "agent-platform"
_COMPONENTS = {"frontend": 2, "backend-api": 3, "agentic-operator": 1}


class Rollouts:
    """Now and then a new version comes, and a replica is missing meanwhile; now and then a container restarts."""

    def __init__(self, store: KubeStore, platform: Platform) -> None:
        self._store = store
        self._platform = platform
        self._revisions = dict.fromkeys(_COMPONENTS, 4)
        self.restarts = dict.fromkeys(_COMPONENTS, 0)

    def begin(self) -> None:
        """All is well; from here on things happen."""
        for app, replicas in _COMPONENTS.items():
            self._put(app, replicas)
            self._put_pod(app)
        self._platform.after(90, self._roll_out)
        self._platform.after(45, self._restart)

    def _roll_out(self) -> None:
        app = self._platform.random.choice(tuple(_COMPONENTS))
        self._revisions[app] += 1
        self._put(app, max(1, _COMPONENTS[app] - 1))
        self._platform.after(20, lambda: self._put(app, _COMPONENTS[app]))
        self._platform.after(self._platform.random.uniform(600, 3000), self._roll_out)

    def _restart(self) -> None:
        app = self._platform.random.choice(tuple(_COMPONENTS))
        self.restarts[app] += 1
        self._put_pod(app)
        self._platform.after(self._platform.random.uniform(900, 3600), self._restart)

    def _put(self, app: str, ready: int) -> None:
        version = f"1.{self._revisions[app]}.0"
        notes = {"deployment.kubernetes.io/revision": str(self._revisions[app]), "app.kubernetes.io/version": version}
        meta = {"name": app, "namespace": _NAMESPACE, "labels": {"app": app}, "annotations": notes}
        status = {"readyReplicas": ready}
        self._store.put("deployments", {"metadata": meta, "spec": {"replicas": _COMPONENTS[app]}, "status": status})

    def _put_pod(self, app: str) -> None:
        meta = {"name": f"{app}-0", "namespace": _NAMESPACE, "labels": {"app": app}}
        status = {"phase": "Running", "containerStatuses": [{"name": app, "restartCount": self.restarts[app]}]}
        self._store.put("pods", {"metadata": meta, "status": status})
