"""Why a session ended as it did: from the Ready condition of the newer generation, or the first one's message."""

from __future__ import annotations

import re

from agent_observability.cr_state.objects import AgenticSession

__all__ = ["REASONS", "reason_of"]

REASONS = (
    "none",
    "timeout",
    "image_pull",
    "crash",
    "oom",
    "evicted",
    "secret",
    "prerequisite",
    "runner_exit",
    "user",
    "inactivity",
    "unknown",
)

_BY_CONDITION = {
    "ImagePullBackOff": "image_pull",
    "ErrImagePull": "image_pull",
    "InvalidImageName": "image_pull",
    "CrashLoopBackOff": "crash",
    "PodFailed": "crash",
    "CreateContainerConfigError": "secret",
    "VertexSecretMissing": "secret",
    "SecretCheckFailed": "secret",
    "TokenProvisionFailed": "secret",
    "PrerequisiteFailed": "prerequisite",
    "RunnerExit": "runner_exit",
    "OOMKilled": "oom",
    "Evicted": "evicted",
    "DeadlineExceeded": "timeout",
    "Timeout": "timeout",
    "InactivityTimeout": "inactivity",
    "UserStopped": "user",
}
# The first that matches: a pod's message may name its exit code after the cause.
_BY_MESSAGE = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        ("oom", r"oom ?killed|out of memory|exit(ed)?( with)? code:? 137"),
        ("evicted", r"evict"),
        ("image_pull", r"image ?pull|errimage|pull(ing)? (the )?image|invalidimagename"),
        ("inactivity", r"inactiv"),
        ("timeout", r"time[d ]?-? ?out|deadline ?exceeded"),
        (
            "secret",
            r"secret|credential|unauthori[sz]ed|token (has )?(expired|invalid|missing|provision)|createcontainerconfig",
        ),
        ("user", r"(stopped|cancel+ed) by (the )?user|user stopped"),
        ("crash", r"crash|backoff|back-off|panic|segmentation"),
        ("prerequisite", r"prerequisite|not ready|missing (config|pvc|workspace)"),
        ("runner_exit", r"runner|exit(ed)?( with)? (code|status)|non-?zero"),
    )
)
_VAGUE = ("crash", "runner_exit")
_STOPPED = {"user": "user", "inactivity": "inactivity"}


def reason_of(session: AgenticSession, phase: str) -> str:
    """One of `REASONS` for a session that has ended in `phase` (lower case)."""
    if phase == "completed":
        return "none"
    status = session.status
    if phase == "stopped" and status.stopped_reason:
        return _STOPPED.get(status.stopped_reason, "unknown")
    otherwise = _of_message(status.message, "user" if phase == "stopped" else "unknown")
    for condition in status.conditions or ():
        if condition.type == "Ready" and condition.status != "True":
            found = _BY_CONDITION.get(condition.reason or "")
            if found is None or found in _VAGUE:
                # The message often knows better, and of an unknown reason it is all there is.
                return _of_message(condition.message, found or otherwise)
            return found
    return otherwise


def _of_message(message: str | None, otherwise: str) -> str:
    return next((reason for reason, pattern in _BY_MESSAGE if message and pattern.search(message)), otherwise)
