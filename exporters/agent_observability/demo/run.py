"""One session of the demo, as the platform itself knows it, and the objects of both generations that show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agent_observability.demo.cast import FIRST_REASONS, NEWER_REASONS

__all__ = ["Run", "timestamp"]

ENDS = frozenset({"completed", "failed", "error", "stopped"})


@dataclass(slots=True, kw_only=True)
class Run:
    """Times are whole Unix seconds. `fate` and `reason` are how it will end."""

    project: str
    name: str
    newer: bool
    created: int
    mode: str
    model: str
    user: str
    repos: int
    scheduled: bool
    fate: str
    reason: str
    timed: bool = True
    workflow: str = ""
    step: str = ""
    uid: str = ""
    phase: str = "pending"
    began: int | None = None
    started: int | None = None
    ended: int | None = None
    restarts: int = 0
    pushed: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    visible: bool = False

    @property
    def over(self) -> bool:
        return self.phase in ENDS

    def object(self) -> dict[str, Any]:
        """As the API shows it."""
        labels = {}
        if self.scheduled:
            labels["ambient-code.io/scheduled-run"] = "true"
        if self.workflow:
            labels |= {"rfe-workflow": self.workflow, "rfe-phase": self.step}
        meta: dict[str, Any] = {
            "name": self.name,
            "namespace": self.project,
            "creationTimestamp": timestamp(self.created),
            "labels": labels,
        }
        body = {"metadata": meta, "spec": self._spec()}
        if self.visible:
            body["status"] = self._newer_status() if self.newer else self._first_status()
        return {"apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession", **body}

    def runner(self) -> tuple[str, dict[str, Any]]:
        """The Job or bare pod that runs it, with its resource."""
        labels = {"app": "ambient-code-runner", "agentic-session": self.name}
        meta = {"name": f"{self.name}-{'runner' if self.newer else 'job'}", "namespace": self.project, "labels": labels}
        well = self.phase in ("completed", "stopped")
        if self.newer:
            phase = ("Succeeded" if well else "Failed") if self.over else "Running" if self.started else "Pending"
            return "pods", {"metadata": meta, "status": {"phase": phase}}
        conditions = [{"type": "Complete" if well else "Failed", "status": "True"}] if self.over else []
        return "jobs", {"metadata": meta, "status": {"conditions": conditions}}

    def _spec(self) -> dict[str, Any]:
        urls = [f"https://git.example.org/{self.project}/repo-{number}.git" for number in range(self.repos)]
        common: dict[str, Any] = {
            "displayName": f"Work on {self.project}",
            "userContext": {"userId": self.user, "displayName": self.user, "groups": ["engineering"]},
            "llmSettings": {"model": self.model, "temperature": 0.7, "maxTokens": 4000},
            "timeout": 1800,
        }
        if self.newer:
            repos: list[Any] = [{"url": url, "branch": "main", "autoPush": True} for url in urls]
            batch = {"stopOnRunFinished": True} if self.mode == "batch" and not self.scheduled else {}
            return {**common, "repos": repos, "initialPrompt": "Improve the tests", **batch}
        repos = [{"input": {"url": url, "branch": "main"}, "output": {"url": url, "branch": "agent"}} for url in urls]
        return {**common, "repos": repos, "prompt": "Improve the tests", "interactive": self.mode == "interactive"}

    def _first_status(self) -> dict[str, Any]:
        status: dict[str, Any] = {"phase": self.phase.capitalize(), "jobName": f"{self.name}-job"}
        if self.began is not None:
            status["startTime"] = timestamp(self.began)
        if self.over:
            status["message"] = FIRST_REASONS.get(self.reason, "")
            if self.phase == "completed":
                status |= {"num_turns": 7 + self.repos, "total_cost_usd": 0.25 * self.repos, "is_error": False}
                status["usage"] = {"input_tokens": 1200, "output_tokens": 800, "cache_read_input_tokens": 5000}
                status["usage"]["cache_creation_input_tokens"] = 900
            if self.timed and self.ended is not None:
                status["completionTime"] = timestamp(self.ended)
        if self.pushed:
            status["repos"] = [{"name": name, "status": done} for name, done in self.pushed.items()]
        return status

    def _newer_status(self) -> dict[str, Any]:
        status: dict[str, Any] = {"phase": self.phase.capitalize(), "observedGeneration": 1 + self.restarts}
        conditions: list[dict[str, str]] = []
        if self.began is not None:
            status["startTime"] = timestamp(self.began)
        if self.started is not None:
            moment = timestamp(self.started)
            conditions.append({"type": "RunnerStarted", "status": "True", "lastTransitionTime": moment})
        if self.over and self.phase != "completed" and self.reason in NEWER_REASONS:
            reason, message = NEWER_REASONS[self.reason]
            conditions.append({"type": "Ready", "status": "False", "reason": reason, "message": message})
        if self.phase == "stopped":
            status["stoppedReason"] = self.reason
        if self.over and self.timed and self.ended is not None:
            status["completionTime"] = timestamp(self.ended)
        return {**status, "conditions": conditions}


def timestamp(moment: int) -> str:
    """RFC 3339, as the API writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
