"""What `agent-obs up` runs: every part, every generated file and every port, computed before anything starts."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_observability.config import Config
from agent_observability.registry import INTAKE
from agent_observability.resources import resource
from agent_observability.stack import programs
from agent_observability.stack.alertmanager import alertmanager_command, local_routing
from agent_observability.stack.drills import CANARY, CANARY_GROUP
from agent_observability.stack.exporter_config import LOOPBACK, exporter_config, listen_addresses, local_address
from agent_observability.stack.grafana import grafana_command, grafana_environment, grafana_ini
from agent_observability.stack.part import PartSpec
from agent_observability.stack.ports import PortClaim
from agent_observability.stack.prometheus import prometheus_command, prometheus_config
from agent_observability.stack.sources import demo_sources, local_sources
from agent_observability.stack.state import StateDirectory

__all__ = ["Plan", "make_plan"]

_SOURCES, _SERVERS, _READERS = -1, 0, 1
# Prometheus drops an alert that it cannot deliver and repeats it only a minute later: it starts after Alertmanager.


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`files` maps paths to their text; `urls` maps what answers HTTP to its base URL; `jobs` are the scrape jobs.

    `skipped` exporters have nothing to read here, for the reason given.
    """

    parts: Sequence[PartSpec]
    files: Mapping[Path, str]
    claims: Sequence[PortClaim]
    urls: Mapping[str, str]
    jobs: Sequence[str]
    skipped: Mapping[str, str]


def make_plan(config: Config, state: StateDirectory, *, demo: bool = False) -> Plan:
    """With `demo` a simulated platform runs, too.

    Raises StartError for a missing program or resource, ConfigError for a configuration that does not work.
    """
    prometheus, alertmanager = programs.find_all((programs.PROMETHEUS, programs.ALERTMANAGER))
    grafana = programs.GRAFANA.find()
    sources = demo_sources(config, state) if demo else local_sources(config)
    ports = config.stack.ports
    numbers = {"prometheus": ports.prometheus, "alertmanager": ports.alertmanager, "receiver": ports.receiver}
    if grafana:
        numbers["grafana"] = ports.grafana
    if demo:
        numbers["demo"] = ports.demo
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in numbers.items()}
    canary = f"{CANARY}-{hashlib.sha256(bytes(state.root)).hexdigest()[:8]}"
    exporters_file = state.generated / "exporters.yml"
    prometheus_file = state.generated / "prometheus.yml"
    alertmanager_file = state.generated / "alertmanager.yml"
    grafana_file = state.generated / "grafana.ini"
    dashboards = resource("dashboards/json")
    # The dashboards' links are right as soon as somebody runs Grafana, so they do not depend on the program.
    labels = {"grafana_url": f"http://localhost:{ports.grafana}"}
    files = {
        exporters_file: exporter_config(config, {CANARY_GROUP: canary}, sources.settings),
        prometheus_file: prometheus_config(config, sources.exporters, resource("rules"), labels),
        alertmanager_file: local_routing(resource("alertmanager") / "alertmanager.yml", urls["receiver"]),
    }
    if grafana:
        files[grafana_file] = grafana_ini(state, resource("dashboards/provisioning"), dashboards, ports.grafana)
    claims = [PortClaim(f"{LOOPBACK}:{port}", name, f"stack.ports.{name}") for name, port in numbers.items()]
    python = sys.executable
    receiver = ("--host", LOOPBACK, "--port", str(ports.receiver), "--file", str(state.notifications))
    parts = [
        PartSpec(
            name="receiver",
            command=(python, "-m", "agent_observability.stack.receiver", *receiver),
            ready=f"{urls['receiver']}/-/healthy",
            url=f"{urls['receiver']}/notifications",
        ),
        PartSpec(
            name="alertmanager",
            command=alertmanager_command(alertmanager, config, alertmanager_file, state.alertmanager),
            ready=f"{urls['alertmanager']}/-/ready",
            url=urls["alertmanager"],
            job="alertmanager",
        ),
        PartSpec(name=CANARY, command=(python, "-I", "-S", "-c", "import signal; signal.pause()", canary)),
    ]
    if demo:
        intake = f"http://{LOOPBACK}:{ports.intake}"
        proxy = ("--proxy", str(state.demo_proxy), "--proxy-socket", str(state.demo_socket))
        simulate = (python, "-m", "agent_observability.demo", "--port", str(ports.demo), "--intake", intake, *proxy)
        parts.append(PartSpec(name="demo", command=simulate, ready=f"{urls['demo']}/readyz", wave=_SOURCES))
    for exporter in sources.exporters:
        addresses = listen_addresses(config, exporter)
        claims += [PortClaim(address, exporter.name, f"web.listen.{exporter.name}") for address in addresses]
        url = f"http://{local_address(addresses[0])}"
        run = (python, "-m", "agent_observability", "run", exporter.name, "--config", str(exporters_file))
        parts.append(PartSpec(name=exporter.name, command=run, ready=f"{url}/-/ready", url=url, job=exporter.job))
    if demo:
        claims.append(PortClaim(f"{LOOPBACK}:{ports.intake}", "intake", "stack.ports.intake"))
    elif any(exporter.process == INTAKE for exporter in sources.exporters):
        claims += [PortClaim(address, "intake", "intake.listen") for address in config.intake.listen]
    parts.append(
        PartSpec(
            name="prometheus",
            command=prometheus_command(
                prometheus, config, prometheus_file, state.demo_prometheus if demo else state.prometheus
            ),
            ready=f"{urls['prometheus']}/-/ready",
            url=urls["prometheus"],
            job="prometheus",
            wave=_READERS,
        )
    )
    if grafana:
        parts.append(
            PartSpec(
                name="grafana",
                command=grafana_command(grafana, grafana_file),
                ready=f"{urls['grafana']}/api/health",
                url=urls["grafana"],
                environment=grafana_environment(dashboards, urls["prometheus"]),
                wave=_READERS,
            )
        )
    jobs = [part.job for part in parts if part.job]
    return Plan(parts=parts, files=files, claims=claims, urls=urls, jobs=jobs, skipped=sources.skipped)
