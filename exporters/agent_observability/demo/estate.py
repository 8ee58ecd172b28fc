"""What the demo's sessions belong to: projects with namespaces and settings, and RFE workflows with their steps."""

from __future__ import annotations

import random
from typing import Any

from agent_observability.demo.cast import PROJECTS
from agent_observability.demo.kube_store import KubeStore
from agent_observability.demo.run import Run, timestamp

__all__ = ["Estate"]

_STEPS = ("ideate", "specify", "plan", "tasks", "implement")
_MAX_PROJECTS = 12
_MAX_WORKFLOWS = 12


class Estate:
    """Projects in order of their size; workflows by project and name, with the steps that are done."""

    def __init__(self, store: KubeStore, choice: random.Random) -> None:
        self.projects: list[str] = []
        self.done: dict[tuple[str, str], set[str]] = {}
        self._store = store
        self._choice = choice
        self._begun: dict[tuple[str, str], int] = {}
        self._number = 0

    def grow(self, now: int) -> bool:
        """One more project; False once there are enough."""
        taken = len(self.projects)
        if taken >= _MAX_PROJECTS:
            return False
        self.add_project(PROJECTS[taken] if taken < len(PROJECTS) else f"team-{taken}", now)
        return True

    def add_project(self, name: str, created: int) -> None:
        """A namespace and its settings."""
        moment = timestamp(created)
        labels = {"ambient-code.io/managed": "true"}
        self._store.put("namespaces", {"metadata": {"name": name, "creationTimestamp": moment, "labels": labels}})
        meta = {"name": "projectsettings", "namespace": name, "creationTimestamp": moment}
        spec: dict[str, Any] = {"groupAccess": [], "runnerSecretsName": "ambient-runner-secrets"}
        self._store.put("projectsettings", {"metadata": meta, "spec": spec})
        self.projects.append(name)

    def add_workflow(self, project: str, now: int) -> None:
        """A new one; the oldest goes where there are too many."""
        self._number += 1
        name = f"rfe-{self._number}"
        self._begun[project, name] = 0
        self.done[project, name] = set()
        meta = {"name": name, "namespace": project, "creationTimestamp": timestamp(now)}
        phase = self._choice.choice(("Initializing", "Ready", "Ready"))
        self._store.put("rfeworkflows", {"metadata": meta, "spec": {"title": name}, "status": {"phase": phase}})
        if len(self._begun) > _MAX_WORKFLOWS:
            key = next(iter(self._begun))
            del self._begun[key], self.done[key]
            self._store.delete("rfeworkflows", *key)

    def next_step(self) -> tuple[str, str, str]:
        """Project, workflow and step that a session is for; all "" where there is none."""
        if not self._begun:
            return "", "", ""
        key = self._choice.choice(tuple(self._begun))
        step = _STEPS[min(self._begun[key], len(_STEPS) - 1)]
        self._begun[key] += 1
        return (*key, step)

    def ended(self, run: Run) -> None:
        """A session has ended; if it has completed, so has its step."""
        key = (run.project, run.workflow)
        if run.phase == "completed" and key in self.done:
            self.done[key].add(run.step)

    def steps(self) -> dict[tuple[str, ...], float]:
        """Which steps are done, by namespace, project, workflow and step."""
        return {
            (project, project, name, step): float(step in done)
            for (project, name), done in self.done.items()
            for step in _STEPS
        }
