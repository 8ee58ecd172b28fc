"""What the followers of one picture share: which namespaces count, and what was there before anybody looked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from agent_observability.cr_state.curtain import Curtain
from agent_observability.cr_state.recorder import Recorder

__all__ = ["EVERYWHERE", "SCOPE", "Baselines", "Namespaces", "Scene"]

EVERYWHERE = ""
"""The scope of a resource that is followed in all namespaces at once; other scopes are namespaces."""

SCOPE = "scope"
"""Kind of the facts about which scopes were listed."""


class Baselines:
    """Which scopes have been listed since the ledger began: what a first list finds is history, and not counted."""

    def __init__(self, known: Collection[str], recorder: Recorder) -> None:
        self._known = set(known)
        self._recorder = recorder

    def passed(self, resource: str, namespace: str) -> bool:
        """Whether an unknown object of this namespace is new."""
        return f"{resource}/{EVERYWHERE}" in self._known or f"{resource}/{namespace}" in self._known

    def pass_(self, resource: str, scope: str) -> None:
        """From now on what is unknown there is new."""
        key = f"{resource}/{scope}"
        if key not in self._known:
            self._known.add(key)
            self._recorder.fact(SCOPE, key, b"")


class Namespaces:
    """Which namespaces are followed: all, those listed, or those that a label selects."""

    def __init__(self, *, every: bool, names: Iterable[str] = ()) -> None:
        self.every = every
        self.names = set(names)

    def __contains__(self, namespace: str) -> bool:
        return self.every or namespace in self.names


@dataclass(frozen=True, slots=True)
class Scene:
    """What the followers of one picture share."""

    recorder: Recorder
    baselines: Baselines
    namespaces: Namespaces
    curtain: Curtain = field(default_factory=Curtain)
