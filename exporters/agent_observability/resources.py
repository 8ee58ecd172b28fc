"""Finds rules, routing and dashboards: in the checkout this package runs from, else in the installed wheel."""

from __future__ import annotations

from pathlib import Path

from agent_observability.errors import StartError

__all__ = ["resource"]

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def resource(name: str) -> Path:
    """The folder or file `name`: `rules`, `alertmanager`, `dashboards/json`, … Raises StartError if it is missing."""
    checkout = (_CHECKOUT / "pyproject.toml").is_file() and _PACKAGE.parent.name == "exporters"
    path = (_CHECKOUT if checkout else _PACKAGE / "resources") / name
    if not path.exists():
        raise StartError(f"{name} is missing: expected at {path}; reinstall agent-observability")
    return path
