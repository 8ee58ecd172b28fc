"""Who and what takes part in the demo: projects, people, models, and why sessions end. Data only, all of it made up."""

from __future__ import annotations

__all__ = ["CUSTOM_MODELS", "DEFAULT_MODELS", "FIRST_REASONS", "NEWER_REASONS", "PROJECTS", "USERS"]

PROJECTS = (
    "payments",
    "search",
    "mobile-app",
    "data-platform",
    "docs",
    "checkout",
    "identity",
    "recommendations",
)
USERS = tuple(f"user-{number:02d}" for number in range(1, 41))
DEFAULT_MODELS = ("sonnet", "opus", "haiku")
CUSTOM_MODELS = ("house-coder-70b", "mixture-small")

# The message of the first generation by the reason that it tells.
FIRST_REASONS = {
    "timeout": "Session timed out after 1800 seconds",
    "image_pull": "Failed to pull image quay.example.org/runner:latest",
    "crash": "Back-off restarting failed container",
    "oom": "Container was OOMKilled",
    "evicted": "The node was low on memory: pod evicted",
    "secret": "Runner secret ambient-runner-secrets is missing",
    "prerequisite": "Workspace not ready",
    "runner_exit": "Runner ended with a non-zero status",
    "unknown": "Something went wrong",
}
# The Ready condition of the newer generation: its reason and message.
NEWER_REASONS = {
    "image_pull": ("ImagePullBackOff", "cannot get the runner's image"),
    "crash": ("PodFailed", "the pod has failed"),
    "oom": ("PodFailed", "container runner was OOMKilled"),
    "evicted": ("PodFailed", "the pod was evicted from its node"),
    "secret": ("VertexSecretMissing", "no credentials for the model"),
    "prerequisite": ("PrerequisiteFailed", "the workspace is not there"),
    "runner_exit": ("RunnerExit", "the runner ended with status 1"),
    "unknown": ("SomethingNew", "nobody knows"),
}
