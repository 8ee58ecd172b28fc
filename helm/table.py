"""The chart's README: what it is, and every value with its default and description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helm.values import Value, read_values

__all__ = ["readme"]

_INTRO = """\
# agent-observability

Exporters, recording rules, alerts, routing and dashboards for platforms that run LLM agents on Kubernetes. Where the
cluster has the Prometheus or the Grafana operator, the chart leaves to them what they can do; elsewhere it brings
Prometheus, Alertmanager and Grafana along. What was installed, what was not and why is printed after the installation.

```
helm install obs helm/agent-observability --namespace monitoring --create-namespace
helm test obs --namespace monitoring --logs
```

[docs/install.md](../../docs/install.md) has the values for the usual surroundings, receivers, upgrades and scale.

## Values

A value that is not listed here is refused. `python -m helm` writes this page from values.yaml.
"""


def readme(values: str, overlay: Mapping[str, Any]) -> str:
    """Markdown: a table per section of values.yaml, and one of the pod settings."""
    sections: dict[str, list[Value]] = {}
    comments: dict[str, str] = {}
    for value in read_values(values, overlay):
        section = value.path[0] if len(value.path) > 1 else ""
        if len(value.path) == 1 and not value.leaf:
            comments[value.path[0]] = value.comment
        if value.leaf:
            sections.setdefault(section, []).append(value)
    parts = [_INTRO]
    for section, members in sections.items():
        title = f"### {section}" if section else "### General"
        comment = f"\n{comments[section]}\n" if comments.get(section) else ""
        parts.append(f"{title}\n{comment}\n{_table(members)}")
    parts.append(
        f"### Pod settings\n\nWhat may stand in a `pod`, in the form that Kubernetes gives it.\n\n{_pod(overlay)}"
    )
    return "\n".join(parts)


def _table(values: list[Value]) -> str:
    rows = "".join(f"| `{'.'.join(v.path)}` | {_default(v.default)} | {_cell(v.description)} |\n" for v in values)
    return f"| value | default | |\n|---|---|---|\n{rows}"


def _pod(overlay: Mapping[str, Any]) -> str:
    rows = "".join(
        f"| `{name}` | {_cell(field.get('description', ''))} |\n"
        for name, field in overlay["definitions"]["pod"]["properties"].items()
    )
    return f"| setting | |\n|---|---|\n{rows}"


def _default(default: Any) -> str:
    return f"`{_cell(json.dumps(default, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
