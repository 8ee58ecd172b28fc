"""Which exporters have something to read on this machine, and the simulated platform for those that have not."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_observability.config import Config
from agent_observability.demo import ADMIN_KEY
from agent_observability.demo.proxy_asks import SERVICES
from agent_observability.registry import EXPORTERS, Exporter
from agent_observability.stack.state import StateDirectory

__all__ = ["LocalSources", "demo_sources", "local_sources"]


@dataclass(frozen=True, slots=True)
class LocalSources:
    """`exporters` run, `skipped` do not, for the reason given. `settings` go over the user's configuration."""

    exporters: Sequence[Exporter]
    skipped: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def local_sources(config: Config) -> LocalSources:
    """What this machine and the configuration offer."""
    skipped = {}
    for exporter in EXPORTERS:
        missing: Callable[[], str] | None = getattr(config.sections[exporter.name], "missing_source", None)
        if missing is not None and (reason := missing()):
            skipped[exporter.name] = reason
    return LocalSources([exporter for exporter in EXPORTERS if exporter.name not in skipped], skipped)


def demo_sources(config: Config, state: StateDirectory) -> LocalSources:
    """Every exporter; what it would read in a cluster is simulated, and counted in a ledger of its own."""
    api = f"http://127.0.0.1:{config.stack.ports.demo}"
    account = {"name": "demo", "key": ADMIN_KEY, "interval": "1m"}
    billing = {provider: [account | {"url": f"{api}/{provider}"}] for provider in ("openai", "anthropic")}
    settings: dict[str, dict[str, Any]] = {
        "cr_state": {"kubernetes": {"url": api}},
        "credential_proxy": _proxy(state),
        "llm_cost": {"billing": billing},
        # The demo pushes without a key.
        "intake": {"listen": [f"127.0.0.1:{config.stack.ports.intake}"], "keys_file": None},
        "ledger": {"directory": str(state.demo_ledger)},
    }
    return LocalSources(EXPORTERS, settings=settings)


def _proxy(state: StateDirectory) -> dict[str, Any]:
    logs = f"{glob.escape(_literal(state.demo_proxy))}/audit*.log"
    probes = {"targets": {"demo": f"unix://{_literal(state.demo_socket)}"}, "interval": "5s"}
    return {
        "log": {"paths": [logs]},
        "time_zone": "UTC",
        "services": {service: list(operations) for service, operations in SERVICES.items()},
        # Between two attacks all is well again.
        "anomalies": {"cooldown": "1m"},
        "probes": probes,
    }


def _literal(path: object) -> str:
    """As the exporters' configuration holds it, where a dollar sign begins a variable."""
    return str(path).replace("$", "$$")
