"""The `cr_state` section of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent_observability.kube.credentials import KubernetesConfig, found
from agent_observability.units import Duration

__all__ = ["CrStateConfig", "DetailConfig", "ProbesConfig"]

_DEFAULT_MODELS = ("sonnet", "opus", "haiku", "claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5")
_COMPONENTS = {"frontend": "app=frontend", "backend": "app=backend-api", "operator": "app=agentic-operator"}

Namespace = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]


class DetailConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions have series of their own.

    `recent`: those that have not ended, and of the ended ones the newest `finished` of the last `age`. `active`: only
    those that have not ended. Never more than `sessions`.
    """

    policy: Literal["all", "recent", "active", "none"] = "recent"
    finished: Annotated[int, msgspec.Meta(ge=0)] = 2_000
    age: Duration = Duration(86_400)
    sessions: Annotated[int, msgspec.Meta(ge=1)] = 200_000


class ProbesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """HTTP probes of platform components: a URL each, asked every `interval`; a status below 400 is a success."""

    urls: dict[str, Annotated[str, msgspec.Meta(pattern="^https?://")]] = {}
    interval: Annotated[Duration, msgspec.Meta(ge=1)] = Duration(15)
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(5)


class CrStateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the CR state exporter follows.

    All namespaces, unless `namespaces` lists some or `namespace_labels` selects them (a label selector). `components`
    maps the names of platform components to the label selector of their deployments and pods, in
    `platform_namespace`, or in any namespace if that is empty. `default_models` are not counted as custom.
    """

    kubernetes: KubernetesConfig = KubernetesConfig()
    namespaces: list[Namespace] = []
    namespace_labels: str = ""
    detail: DetailConfig = DetailConfig()
    stuck_after: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(600)
    default_models: list[str] = msgspec.field(default_factory=lambda: list(_DEFAULT_MODELS))
    platform_namespace: str = ""
    components: dict[str, str] = msgspec.field(default_factory=lambda: dict(_COMPONENTS))
    probes: ProbesConfig = ProbesConfig()

    def missing_source(self) -> str:
        """Why there is no API to follow, or ""."""
        return found(self.kubernetes)
