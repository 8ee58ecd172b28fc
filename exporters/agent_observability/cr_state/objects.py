"""The fields of the platform's objects that matter here, of both generations of the platform. All are optional."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = ["AgenticSession", "Condition", "Meta", "RepoStatus", "SessionSpec", "SessionStatus", "epoch"]


class Meta(msgspec.Struct, rename="camel"):
    """What every object of the API has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


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
    llm_settings: LlmSettings | None = None
    user_context: UserContext | None = None


class Condition(msgspec.Struct, rename="camel"):
    """One entry of `status.conditions`; `status` is True, False or Unknown."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


class RepoStatus(msgspec.Struct):
    """What became of a repository; `status` is pushed, abandoned, diff or nodiff."""

    name: str | None = None
    status: str | None = None


class SessionStatus(msgspec.Struct):
    """Times are RFC 3339."""

    phase: str | None = None
    message: str | None = None
    start: str | None = msgspec.field(name="startTime", default=None)
    completion: str | None = msgspec.field(name="completionTime", default=None)
    stopped_reason: str | None = msgspec.field(name="stoppedReason", default=None)
    observed_generation: int | None = msgspec.field(name="observedGeneration", default=None)
    conditions: list[Condition] | None = None
    repos: list[RepoStatus] | None = None
    num_turns: int | None = None
    total_cost_usd: float | None = None
    usage: dict[str, Any] | None = None


class AgenticSession(msgspec.Struct):
    """A run of an agent."""

    metadata: Meta = msgspec.field(default_factory=Meta)
    spec: SessionSpec = msgspec.field(default_factory=SessionSpec)
    status: SessionStatus = msgspec.field(default_factory=SessionStatus)


def epoch(text: str | None) -> float | None:
    """Unix time of an RFC 3339 time; None for none, and for what is no time."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
