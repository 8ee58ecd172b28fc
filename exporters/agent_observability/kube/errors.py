"""What the Kubernetes API may answer other than what was asked for.

KubeError
├── GoneError           410: too old a resourceVersion or continue token; list again
├── ThrottledError      429: with the seconds to wait
├── UnavailableError    403, 404: not allowed to, or no such resource (yet)
└── CredentialsError    no usable credentials
"""

from __future__ import annotations

from agent_observability.errors import AgentObsError

__all__ = ["CredentialsError", "GoneError", "KubeError", "ThrottledError", "UnavailableError"]


class KubeError(AgentObsError):
    """The base of all; `status` is HTTP's, 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class GoneError(KubeError):
    """What was asked for is compacted away: only a new list helps."""


class ThrottledError(KubeError):
    """Too many requests; try again after `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, 429)
        self.seconds = seconds


class UnavailableError(KubeError):
    """Forbidden, or no such resource: it takes a person to change that, so ask again, but slowly."""


class CredentialsError(KubeError):
    """Neither in a cluster nor a usable kubeconfig, or its credentials cannot be had."""
