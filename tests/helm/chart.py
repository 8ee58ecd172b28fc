"""The chart as tests look at it: rendered by the real Helm library, as objects."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import helm_python
import yaml

from agent_observability.registry import EXPORTERS, Exporter
from helm.generate import chart as generate
from helm.plain import documents
from tests.probe import PROBE
from tests.support import ROOT

__all__ = ["CHART", "PROXY", "VALUES", "Object", "Rendered", "probe_chart", "render", "value_sets", "values_of"]

CHART = ROOT / "helm" / "agent-observability"
VALUES = ROOT / "tests" / "helm" / "values"

Object = dict[str, Any]

PROXY: Object = {"exporters": {"credential_proxy": {"enabled": True, "log": {"hostPath": "/var/log/proxy"}}}}
"""With the exporter that runs only where it is told what to read, all run."""


class Rendered(NamedTuple):
    """A release that was not installed: objects without and with their template, and the notes."""

    objects: list[Object]
    by_template: dict[str, list[Object]]
    notes: str

    def of(self, kind: str, *name: str) -> list[Object]:
        """Objects of a kind, all or those whose name ends in one of these."""
        found = [item for item in self.objects if item["kind"] == kind]
        return [item for item in found if not name or item["metadata"]["name"].endswith(name)]

    def one(self, kind: str, *name: str) -> Object:
        [found] = self.of(kind, *name)
        return found


@functools.cache
def _load(path: Path) -> helm_python.Chart:
    return helm_python.Chart.load(path)


def render(
    values: Object | None = None, chart: Path = CHART, *, release: str = "obs", namespace: str = "monitoring"
) -> Rendered:
    """Render as `helm template` does: without a cluster, so `auto` finds no operator. Raises helm_python.HelmError."""
    return _render(json.dumps(values or {}), chart, release, namespace)


@functools.cache
def _render(values: str, chart: Path, release: str, namespace: str) -> Rendered:
    files = _load(chart).render(json.loads(values), name=release, namespace=namespace)
    by_template = {
        path.partition("/templates/")[2]: documents(text)
        for path, text in sorted(files.items())
        if not path.endswith("NOTES.txt")
    }
    notes = next(text for path, text in files.items() if path.endswith("NOTES.txt"))
    return Rendered([item for items in by_template.values() for item in items], by_template, notes)


def _probe(name: str, port: int, process: str) -> Exporter:
    return dataclasses.replace(PROBE, name=name, port=port, shares=process)


# The values blocks of exporters to come, as issue after issue will add them: two in one process with an intake and a
# ledger, and one that runs beside somebody else's containers.
_PROBES = (_probe("probe_a", 9898, "probe"), _probe("probe_b", 9899, "probe"), _probe("probe_proxy", 9897, ""))
_COMMON = """
    config: {}
    secrets: []
    webConfigSecret: ""
    scrape: {interval: 5s, timeout: 5s, scheme: http, podMonitor: {}, job: {}}
    rbac:
      clusterRules: []
    serviceAccountAnnotations: {}
    networkPolicy:
      egress: []
    resources:
      requests: {cpu: 10m, memory: 64Mi}
      limits: {memory: 128Mi}
    pod: {}
"""
_VALUES = f"""
  probe:
    enabled: true
    kind: StatefulSet
    replicas: 1
    ledger:
      engine: sqlite
      size: 12Gi
      storageClassName: ""
      postgresql: {{existingSecret: "", key: url}}
    intake:
      port: 4318
      serviceType: ClusterIP
      from: []{_COMMON}
  probe_proxy:
    enabled: true
    kind: Sidecar
    namespaces: []
    ledger:
      engine: sqlite
      size: 1Gi
      storageClassName: ""
      postgresql: {{existingSecret: "", key: url}}{_COMMON}
"""


@functools.cache
def probe_chart() -> Path:
    """A copy of the chart with exporters that there are not yet: what later ones rely on is proven now."""
    path = Path(_folder().name) / "agent-observability"
    shutil.copytree(CHART, path)
    values = (path / "values.yaml").read_text()
    marker = "\nnetworkPolicy:\n"
    assert values.count(marker) == 1
    values = values.replace(marker, f"{_VALUES}{marker}")
    (path / "values.yaml").write_text(values)
    for name, text in generate((*EXPORTERS, *_PROBES), values).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # Kept, and so removed only when the tests end.
    return tempfile.TemporaryDirectory(prefix="agent-obs-chart-")


def value_sets() -> list[str]:
    """Names of the value sets in `tests/helm/values`."""
    return sorted(file.stem for file in VALUES.glob("*.yaml"))


def values_of(name: str) -> tuple[Object, Path]:
    """The values of a set and the chart they are for: sets with values of probes are for the probe chart."""
    values = yaml.safe_load((VALUES / f"{name}.yaml").read_text()) or {}
    probes = any(process.startswith("probe") for process in values.get("exporters", {}))
    return values, probe_chart() if probes else CHART
