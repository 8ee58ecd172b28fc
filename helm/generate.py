"""Writes the generated files, and finds out whether what is on disk is what would be written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from agent_observability.registry import EXPORTERS, Exporter
from helm.files import alert_thresholds, alerting_rules, chart_files
from helm.schema import values_schema
from helm.table import readme

__all__ = ["CHART", "ROOT", "chart", "differing", "generated_files", "write"]

ROOT = Path(__file__).resolve().parent.parent
CHART = Path("helm/agent-observability")


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


def generated_files(root: Path = ROOT) -> dict[str, str]:
    """File contents by path below `root`."""
    values = (root / CHART / "values.yaml").read_text(encoding="utf-8")
    return {str(CHART / path): text for path, text in chart(EXPORTERS, values, root).items()}


def differing(root: Path = ROOT) -> list[str]:
    """Paths that are missing, out of date, or no longer generated."""
    files = generated_files(root)
    stale = _on_disk(root) - files.keys()
    return sorted(stale | {path for path, text in files.items() if _read(root / path) != text})


def write(root: Path = ROOT) -> list[str]:
    """Make `root` hold exactly the generated files; returns the paths that changed."""
    files = generated_files(root)
    changed = differing(root)
    for path in changed:
        file = root / path
        if path in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(files[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def _on_disk(root: Path) -> set[str]:
    return {str(file.relative_to(root)) for file in (root / CHART / "files").rglob("*") if file.is_file()}


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
