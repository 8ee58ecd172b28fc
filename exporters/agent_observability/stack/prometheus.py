"""Configuration and command line of the local Prometheus."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agent_observability.config import Config
from agent_observability.registry import EXPORTERS, Exporter
from agent_observability.stack.exporter_config import LOOPBACK, listen_addresses, local_address

__all__ = ["instance_name", "prometheus_command", "prometheus_config"]

_FAST_SCRAPE = "5s"
_EVALUATION = "15s"


def instance_name() -> str:
    """The `instance` of every local target: the machine's name, which stays when ports and addresses change."""
    return socket.gethostname() or "localhost"


def prometheus_config(
    config: Config, exporters: Sequence[Exporter], rules: Path, external_labels: Mapping[str, str]
) -> str:
    """prometheus.yml: one scrape job per exporter, Prometheus and Alertmanager; the rule files below `rules`.

    Rules of exporters that do not run are left out: they would miss them.
    """
    absent = {exporter.name for exporter in EXPORTERS} - {exporter.name for exporter in exporters}
    ports = config.stack.ports
    alertmanager = f"{LOOPBACK}:{ports.alertmanager}"
    jobs = [
        _job(
            exporter.job,
            local_address(listen_addresses(config, exporter)[0]),
            scrape_interval=_FAST_SCRAPE,
            scrape_timeout=_FAST_SCRAPE,
            metrics_path=config.web.telemetry_path,
        )
        for exporter in exporters
    ]
    jobs += [_job("prometheus", f"{LOOPBACK}:{ports.prometheus}"), _job("alertmanager", alertmanager)]
    document = {
        "global": {
            "scrape_interval": _EVALUATION,
            "evaluation_interval": _EVALUATION,
            "external_labels": dict(external_labels),
        },
        "rule_files": [_literal(file) for file in sorted(rules.rglob("*.yaml")) if file.stem not in absent],
        "alerting": {
            # Labels that only the rules' templates need would otherwise stand on every alert.
            "alert_relabel_configs": [{"action": "labeldrop", "regex": "|".join(external_labels)}],
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}],
        },
        "scrape_configs": jobs,
    }
    return yaml.safe_dump(document, sort_keys=False)


def prometheus_command(program: str, config: Config, file: Path, data: Path) -> tuple[str, ...]:
    """How to start it on its port, with `file` and its samples in `data`."""
    port = config.stack.ports.prometheus
    return (
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={data}",
        f"--storage.tsdb.retention.time={int(config.stack.retention)}s",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--web.external-url=http://localhost:{port}/",
        "--web.enable-lifecycle",
        "--enable-feature=exemplar-storage",
    )


def _job(name: str, target: str, **settings: str) -> dict[str, Any]:
    static = {"targets": [target], "labels": {"instance": instance_name()}}
    return {"job_name": name, "honor_labels": True, **settings, "static_configs": [static]}


def _literal(path: Path) -> str:
    """The path as a pattern that matches it: Prometheus reads rule_files as globs and refuses any `*` in a folder."""
    special = {"[": "\\[", "\\": "\\\\", "*": "?"}
    return "".join(special.get(character, character) for character in str(path))
