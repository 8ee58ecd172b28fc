"""Writes the generated files, and finds out whether what is on disk is what would be written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from agent_observability.registry import EXPORTERS, Exporter
from helm.compose import compose
from helm.files import alert_thresholds, alerting_rules, chart_files, processes
from helm.manifests import manifests
from helm.schema import values_schema
from helm.table import readme

__all__ = ["CHART", "ROOT", "chart", "differing", "generated_files", "write"]

ROOT = Path(__file__).resolve().parent.parent
CHART = Path("helm/agent-observability")
_MANIFESTS = Path("manifests")


def chart(exporters: Iterable[Exporter], values: str, root: Path = ROOT) -> dict[str, str]:
    """The generated files of a chart for `exporters` with these values, by path within the chart."""
    overlay: dict[str, Any] = yaml.safe_load((root / "helm" / "schema.yaml").read_text(encoding="utf-8"))
    files = {f"files/{path}": text for path, text in chart_files(root, exporters).items()}
    thresholds = alert_thresholds(root)
    alerts: dict[str, dict[str, bool]] = {}
    for rule in alerting_rules(root):
        severity = rule["labels"]["severity"]
        alerts.setdefault(rule["alert"], {})[severity] = severity in thresholds.get(rule["alert"], {})
    pages = sorted(Path(path).stem for path in files if path.startswith("files/dashboards/"))
    files["values.schema.json"] = values_schema(values, overlay, alerts, pages)
    files["README.md"] = readme(values, overlay)
    return files


def _chart_files(root: Path) -> dict[str, str]:
    values = (root / CHART / "values.yaml").read_text(encoding="utf-8")
    return {str(CHART / path): text for path, text in chart(EXPORTERS, values, root).items()}


def _manifest_files(root: Path) -> dict[str, str]:
    """Rendered from the chart on disk."""
    files = manifests(root / CHART) | compose(root / CHART, root / "rules", processes(EXPORTERS))
    return {str(_MANIFESTS / path): text for path, text in files.items()}


def generated_files(root: Path = ROOT) -> dict[str, str]:
    """File contents by path below `root`."""
    return _chart_files(root) | _manifest_files(root)


def differing(root: Path = ROOT) -> list[str]:
    """Paths that are missing, out of date, or no longer generated."""
    files = generated_files(root)
    stale = _on_disk(root) - files.keys()
    return sorted(stale | _outdated(root, files))


def write(root: Path = ROOT) -> list[str]:
    """Make `root` hold exactly the generated files; returns the paths that changed."""
    changed = _put(root, _chart_files(root))
    # Only now: manifests are rendered from the chart's files.
    files = generated_files(root)
    for path in _on_disk(root) - files.keys():
        (root / path).unlink()
        changed.append(path)
    return sorted(changed + _put(root, files))


def _put(root: Path, files: dict[str, str]) -> list[str]:
    outdated = sorted(_outdated(root, files))
    for path in outdated:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return outdated


def _outdated(root: Path, files: dict[str, str]) -> set[str]:
    return {path for path, text in files.items() if _read(root / path) != text}


def _on_disk(root: Path) -> set[str]:
    folders = (root / CHART / "files", root / _MANIFESTS)
    return {str(file.relative_to(root)) for folder in folders for file in folder.rglob("*") if file.is_file()}


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
