"""Reasons of failures, from conditions and from messages as the platform writes them."""

from __future__ import annotations

import msgspec
import pytest

from agent_observability.cr_state.objects import AgenticSession
from agent_observability.cr_state.reasons import REASONS, reason_of


def session(message: str = "", reason: str = "", detail: str = "", stopped: str | None = None) -> AgenticSession:
    conditions = [{"type": "Ready", "status": "False", "reason": reason, "message": detail}] if reason else None
    status = {"message": message, "conditions": conditions, "stoppedReason": stopped}
    return msgspec.convert({"status": status}, AgenticSession)


@pytest.mark.parametrize(
    ("given", "phase", "reason"),
    [
        (session("Job completed successfully"), "completed", "none"),
        (session(reason="ImagePullBackOff"), "failed", "image_pull"),
        (session(reason="ErrImagePull"), "failed", "image_pull"),
        (session(reason="InvalidImageName"), "failed", "image_pull"),
        (session(reason="CrashLoopBackOff"), "failed", "crash"),
        (session(reason="PodFailed"), "failed", "crash"),
        (session(reason="PodFailed", detail="OOMKilled: exit code 137"), "failed", "oom"),
        (session(reason="PodFailed", detail="The node was low on memory: Evicted"), "failed", "evicted"),
        (session(reason="CreateContainerConfigError"), "failed", "secret"),
        (session(reason="VertexSecretMissing"), "failed", "secret"),
        (session(reason="SecretCheckFailed"), "failed", "secret"),
        (session(reason="TokenProvisionFailed"), "failed", "secret"),
        (session(reason="PrerequisiteFailed"), "failed", "prerequisite"),
        (session(reason="RunnerExit"), "failed", "runner_exit"),
        (session(reason="InactivityTimeout"), "stopped", "inactivity"),
        (session(reason="UserStopped"), "stopped", "user"),
        (session(stopped="user"), "stopped", "user"),
        (session(stopped="inactivity"), "stopped", "inactivity"),
        (session(stopped="moon"), "stopped", "unknown"),
        (session(), "stopped", "user"),
        (session("Session timed out after 300 s"), "failed", "timeout"),
        (session("Job failed: DeadlineExceeded"), "failed", "timeout"),
        (session("Container exited with code 137"), "error", "oom"),
        (session("Failed to pull image quay.io/x"), "failed", "image_pull"),
        (session("Back-off pulling image"), "failed", "image_pull"),
        (session("secret ambient-runner-secrets not found"), "failed", "secret"),
        (session("runner exited with status 1"), "error", "runner_exit"),
        (session("pod in CrashLoopBackOff"), "failed", "crash"),
        (session("something else"), "failed", "unknown"),
        (session(), "error", "unknown"),
        (session(reason="SomethingNew", detail="x"), "failed", "unknown"),
        (session(reason="SomethingNew", detail="container was OOMKilled"), "failed", "oom"),
        (session(reason="SomethingNew"), "stopped", "user"),
        (session(reason="RunnerExit", detail="exit code 137"), "failed", "oom"),
        (session("prompt is too long: 210000 tokens"), "failed", "unknown"),
        (session("max_tokens exceeded"), "failed", "unknown"),
        (session("token expired"), "failed", "secret"),
    ],
)
def test_reasons(given: AgenticSession, phase: str, reason: str) -> None:
    assert reason_of(given, phase) == reason
    assert reason in REASONS
