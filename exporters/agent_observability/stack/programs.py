"""Finds the programs the stack runs but does not bring along."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from agent_observability.errors import StartError

__all__ = ["ALERTMANAGER", "GRAFANA", "PROMETHEUS", "Program", "find_all"]


@dataclass(frozen=True, slots=True)
class Program:
    """`names` are tried in order; the packages are what Debian and Homebrew call it."""

    names: tuple[str, ...]
    debian: str
    homebrew: str
    page: str

    def find(self) -> str | None:
        """The first of `names` on PATH. Debian keeps some servers in sbin, which a user's PATH often lacks."""
        folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
        path = os.pathsep.join((*folders, "/usr/sbin"))
        return next((found for name in self.names if (found := shutil.which(name, path=path))), None)


PROMETHEUS = Program(("prometheus",), "prometheus", "prometheus", "https://prometheus.io/download/#prometheus")
ALERTMANAGER = Program(
    ("alertmanager", "prometheus-alertmanager"),
    "prometheus-alertmanager",
    "alertmanager",
    "https://prometheus.io/download/#alertmanager",
)
GRAFANA = Program(("grafana",), "grafana", "grafana", "https://grafana.com/grafana/download")


def find_all(programs: Sequence[Program]) -> list[str]:
    """Paths of all programs. Raises StartError that names every missing one and how to install it."""
    found = [program.find() for program in programs]
    missing = [program for program, path in zip(programs, found, strict=True) if path is None]
    if missing:
        raise StartError(
            f"not found on PATH: {', '.join(' or '.join(program.names) for program in missing)}\n"
            f"  Debian, Ubuntu: sudo apt-get install {' '.join(program.debian for program in missing)}\n"
            f"  macOS:          brew install {' '.join(program.homebrew for program in missing)}\n"
            + "\n".join(f"  or download:    {program.page}" for program in missing)
        )
    return [path for path in found if path is not None]
