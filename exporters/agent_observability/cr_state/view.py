"""A session as it is shown, and who wants to know."""

from __future__ import annotations

import msgspec

from agent_observability.cr_state.session import ENDED, Facts

__all__ = ["NOTHING", "Reported", "SessionListener", "View"]


class Reported(msgspec.Struct, frozen=True, gc=False):
    """What few sessions have: repositories by what became of them, and the usage that the object reports."""

    repos: tuple[tuple[str, int], ...] = ()
    cost: float | None = None
    turns: int | None = None
    tokens: tuple[tuple[str, int], ...] = ()


NOTHING = Reported()


class View(msgspec.Struct, frozen=True, gc=False):
    """A session as it is shown. `step` is the workflow and the step of it that it is for."""

    facts: Facts
    scheduled: bool = False
    reported: Reported = NOTHING
    step: tuple[str, str] | None = None

    @property
    def ended(self) -> bool:
        """Whether it is at an end now; a session that runs again is not."""
        return self.facts.phase in ENDED


class SessionListener:
    """Who wants to know of sessions that are shown. Does nothing."""

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        """A session is new, different or (None) gone."""

    def known(self, facts: Facts) -> None:
        """A session is remembered, or was seen for the first time."""

    def listed(self, scope: str) -> None:
        """All sessions of a scope have been told."""
