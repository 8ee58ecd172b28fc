"""What goes wrong with the demo's Kubernetes API, on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Faults"]


@dataclass(slots=True)
class Faults:
    """`latency`: seconds before each answer. `status`: answer so many requests of the given status, as `{"429": 2}`.

    `down`: refuse every request. `token`: the only bearer token that is accepted. `expired`: answer so many following
    pages of lists 410. `replay`: let each watch begin so many versions too early. `absent`: resources that there are
    not. `denied`: namespaces that may not be read. `empty`: answer everything with an empty object. `paused`: nothing
    happens on the platform.
    """

    latency: float = 0.0
    status: Counter[int] = field(default_factory=Counter)
    down: bool = False
    token: str = ""
    expired: int = 0
    replay: int = 0
    empty: bool = False
    paused: bool = False
    absent: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def set(self, given: Mapping[str, Any]) -> None:
        """Take over what is given; raises ValueError or TypeError for what makes no sense."""
        self.latency = float(given.get("latency", self.latency))
        self.down = bool(given.get("down", self.down))
        self.token = str(given.get("token", self.token))
        self.expired = int(given.get("expired", self.expired))
        self.replay = int(given.get("replay", self.replay))
        self.empty = bool(given.get("empty", self.empty))
        self.paused = bool(given.get("paused", self.paused))
        self.denied = set(given.get("denied", self.denied))
        self.absent = set(given.get("absent", self.absent))
        self.status.update({int(code): int(times) for code, times in given.get("status", {}).items()})
