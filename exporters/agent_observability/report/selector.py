"""Which series a report looks at."""

from __future__ import annotations

from agent_observability.registry import BY_NAME

__all__ = ["matchers", "selector"]


def selector(exporter: str, cluster: str = "", **labels: str) -> str:
    """Matchers of an exporter's series, of one cluster or of all."""
    return matchers(cluster, job=BY_NAME[exporter].job, **labels)


def matchers(cluster: str = "", **labels: str) -> str:
    """`{job="x", cluster="y"}`."""
    wanted = labels | ({"cluster": cluster} if cluster else {})
    return "{" + ", ".join(f'{name}="{_escaped(value)}"' for name, value in wanted.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
