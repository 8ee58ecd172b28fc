"""Every exporter of the suite, in one visible tuple, and the names the rules and dashboards may use."""

from __future__ import annotations

import itertools
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from agent_observability.cr_state.config import CrStateConfig
from agent_observability.cr_state.metrics import CR_STATE_METRICS
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.metrics import CREDENTIAL_PROXY_METRICS
from agent_observability.host.config import HostConfig
from agent_observability.host.metrics import HOST_METRICS
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.metrics import LLM_COST_METRICS
from agent_observability.metric import Metric
from agent_observability.runtime import Context, Runtime
from agent_observability.suite import SUITE_METRICS

__all__ = ["BY_NAME", "CATALOGUE", "EXPORTERS", "EXTERNAL", "INTAKE", "Exporter"]


INTAKE = "intake"
"""The process of those that are pushed to: users have one endpoint, and what it takes in is committed together."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """One exporter: its name (config section, scrape job `agent-obs-<name>`), default port and parts.

    `factory` is `module:function`, imported only when the exporter runs, so that one exporter does not pay for the
    libraries of the others. It takes the exporter's section of the configuration and a `Context` and returns its
    `Runtime`. `shares` names the process it runs in together with others, in every installation.
    """

    name: str
    port: int
    summary: str
    metrics: tuple[Metric, ...]
    section: type[msgspec.Struct]
    factory: str
    shares: str = ""

    def create(self, section: msgspec.Struct, context: Context) -> Runtime[Any]:
        """The exporter, not yet started. Raises what the factory raises for a section it cannot work with."""
        factory: Callable[[msgspec.Struct, Context], Runtime[Any]] = pkgutil.resolve_name(self.factory)
        return factory(section, context)

    @property
    def process(self) -> str:
        """The process it runs in: one of its own, unless it shares one."""
        return self.shares or self.name

    @property
    def job(self) -> str:
        """The scrape job's name, the same in every installation."""
        return f"agent-obs-{self.name}"


EXPORTERS: tuple[Exporter, ...] = (
    Exporter(
        "host",
        9801,
        "CPU, memory, disks, network, pressure, cgroups and watched processes of a machine",
        HOST_METRICS,
        HostConfig,
        "agent_observability.host.collector:create",
    ),
    Exporter(
        "cr_state",
        9802,
        "Agent sessions, workflows and projects: what they are, what becomes of them, and who adopts the platform",
        CR_STATE_METRICS,
        CrStateConfig,
        "agent_observability.cr_state.runtime:create",
    ),
    Exporter(
        "credential_proxy",
        9803,
        "Who asks the credential proxy for what, what it refuses, and what looks like an attack",
        CREDENTIAL_PROXY_METRICS,
        CredentialProxyConfig,
        "agent_observability.credential_proxy.runtime:create",
    ),
    Exporter(
        "llm_cost",
        9804,
        "Tokens and dollars of language models: metered, projected, budgeted, and compared with the providers' bills",
        LLM_COST_METRICS,
        LlmCostConfig,
        "agent_observability.llm_cost.runtime:create",
        shares=INTAKE,
    ),
)

CATALOGUE: dict[str, Metric] = {
    metric.name: metric for metric in itertools.chain(SUITE_METRICS, *(exporter.metrics for exporter in EXPORTERS))
}
"""Every family the suite exposes, by name."""

EXTERNAL: tuple[str, ...] = (
    r"up",
    r"ALERTS",
    r"scrape_.*",
    r"prometheus_.*",
    r"alertmanager_.*",
    r"kubelet_volume_stats_.*",
)
"""Patterns of series that rules and dashboards query although no exporter of the suite exposes them."""

BY_NAME: dict[str, Exporter] = {exporter.name: exporter for exporter in EXPORTERS}
