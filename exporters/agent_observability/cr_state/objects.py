"""The fields of the platform's objects that matter here, of both generations of the platform. All are optional."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = [
    "AgenticSession",
    "Condition",
    "Container",
    "ContainerStatus",
    "Deployment",
    "DeploymentSpec",
    "DeploymentStatus",
    "Job",
    "JobStatus",
    "LlmSettings",
    "Meta",
    "Object",
    "Owner",
    "Pod",
    "PodSpec",
    "PodStatus",
    "PodTemplate",
    "RepoStatus",
    "RfeWorkflow",
    "SessionSpec",
    "SessionStatus",
    "UserContext",
    "WorkflowStatus",
    "epoch",
]


class Owner(msgspec.Struct):
    """What made an object."""

    kind: str = ""


class Meta(msgspec.Struct, rename="camel"):
    """What every object of the API has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None


class Object(msgspec.Struct):
    """Any object of the API."""

    metadata: Meta = msgspec.field(default_factory=Meta)


class LlmSettings(msgspec.Struct):
    """Of a session."""

    model: str | None = None


class UserContext(msgspec.Struct, rename="camel"):
    """Who asked for a session."""

    user_id: str | None = None


class SessionSpec(msgspec.Struct, rename="camel"):
    """`interactive` and `prompt` are of the first generation; `initialPrompt` and `stopOnRunFinished` of the newer."""

    repos: list[Any] | None = None
    interactive: bool | None = None
    prompt: str | None = None
    initial_prompt: str | None = None
    stop_on_run_finished: bool | None = None
    main_repo_index: int | None = None
    auto_push_on_complete: bool | None = None
    llm_settings: LlmSettings | None = None
    user_context: UserContext | None = None


class Condition(msgspec.Struct, rename="camel"):
    """One entry of `status.conditions`; `status` is True, False or Unknown."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None


class RepoStatus(msgspec.Struct):
    """What became of a repository; `status` is pushed, abandoned, diff or nodiff."""

    name: str | None = None
    status: str | None = None


class SessionStatus(msgspec.Struct):
    """Of both generations."""

    phase: str | None = None
    message: str | None = None
    start: datetime | None = msgspec.field(name="startTime", default=None)
    completion: datetime | None = msgspec.field(name="completionTime", default=None)
    job_name: str | None = msgspec.field(name="jobName", default=None)
    stopped_reason: str | None = msgspec.field(name="stoppedReason", default=None)
    observed_generation: int | None = msgspec.field(name="observedGeneration", default=None)
    conditions: list[Condition] | None = None
    repos: list[RepoStatus] | None = None
    num_turns: int | None = None
    total_cost_usd: float | None = None
    usage: dict[str, Any] | None = None


class AgenticSession(Object):
    """A run of an agent."""

    spec: SessionSpec = msgspec.field(default_factory=SessionSpec)
    status: SessionStatus = msgspec.field(default_factory=SessionStatus)


class WorkflowStatus(msgspec.Struct):
    """Of a workflow: Initializing or Ready."""

    phase: str | None = None


class RfeWorkflow(Object):
    """A request for enhancement on its way through the steps."""

    status: WorkflowStatus = msgspec.field(default_factory=WorkflowStatus)


class JobStatus(msgspec.Struct):
    """Its conditions are Complete or Failed, once it has ended."""

    conditions: list[Condition] | None = None


class Job(Object):
    """What runs a session in the first generation."""

    status: JobStatus = msgspec.field(default_factory=JobStatus)


class ContainerStatus(msgspec.Struct, rename="camel"):
    """Of one container of a pod."""

    name: str = ""
    restart_count: int = 0


class PodStatus(msgspec.Struct, rename="camel"):
    """`phase` is Pending, Running, Succeeded, Failed or Unknown."""

    phase: str | None = None
    container_statuses: list[ContainerStatus] | None = None


class Pod(Object):
    """Of a session's runner, or of a component."""

    status: PodStatus = msgspec.field(default_factory=PodStatus)


class Container(msgspec.Struct):
    """As a pod template describes it."""

    image: str = ""


class PodSpec(msgspec.Struct):
    """The part of a pod template that matters."""

    containers: list[Container] | None = None


class PodTemplate(msgspec.Struct):
    """Of a deployment."""

    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class DeploymentSpec(msgspec.Struct):
    """Without a number, one replica is wanted."""

    replicas: int | None = None
    template: PodTemplate = msgspec.field(default_factory=PodTemplate)


class DeploymentStatus(msgspec.Struct, rename="camel"):
    """Without a number, none is ready."""

    ready_replicas: int | None = None


class Deployment(Object):
    """Of a platform component."""

    spec: DeploymentSpec = msgspec.field(default_factory=DeploymentSpec)
    status: DeploymentStatus = msgspec.field(default_factory=DeploymentStatus)


def epoch(moment: datetime | None) -> float | None:
    """Unix time; a time without a zone is UTC. None for none, and for what is beyond all calendars."""
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError:
        return None
