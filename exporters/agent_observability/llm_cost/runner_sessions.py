"""Which sessions of coding agents have series of their own: the first 500, each until an hour after its last event."""

from __future__ import annotations

from collections.abc import Mapping

from agent_observability.metric import OVERFLOW

__all__ = ["KIND", "SECONDS", "RunnerSessions", "SessionPlan"]

KIND = "runner_session"
"""Kind of the facts, by session: when it was last heard of, in ms."""

SECONDS = 3_600
"""How long a session's series stay after its last event."""

_MOST = 500
# How far behind the stored time may be.
_STALE_MS = 300_000


class SessionPlan:
    """What one request makes of the sessions it tells of. Changes nothing but itself."""

    def __init__(self, known: Mapping[str, int], now_ms: int, most: int) -> None:
        oldest = now_ms - SECONDS * 1000
        self.live = {name: seen for name, seen in known.items() if seen > oldest}
        self.facts: dict[tuple[str, str], bytes | None] = {}
        self._now = now_ms
        self._most = most
        for gone in known.keys() - self.live.keys():
            self.facts[KIND, gone] = None

    def label(self, session: str) -> str:
        """The session as a label value; `__overflow__` while there are too many."""
        seen = self.live.get(session)
        if seen is None and len(self.live) >= self._most:
            return OVERFLOW
        if seen is None or seen < self._now - _STALE_MS:
            self.facts[KIND, session] = str(self._now).encode()
            self.live[session] = self._now
        return session


class RunnerSessions:
    """`plan`, then `commit` once its facts are in the ledger; `load` after a start or a failure."""

    def __init__(self, most: int = _MOST) -> None:
        self.most = most
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def load(self, facts: Mapping[str, bytes]) -> None:
        """Take over what is committed, and forget all else."""
        self._known = {session: int(seen) for session, seen in facts.items()}

    def plan(self, now_ms: int) -> SessionPlan:
        """Of one request."""
        return SessionPlan(self._known, now_ms, self.most)

    def commit(self, plan: SessionPlan) -> None:
        """What was planned is committed. So may others have been in between: only what has changed is taken over."""
        for (_, session), seen in plan.facts.items():
            if seen is None:
                self._known.pop(session, None)
            else:
                self._known[session] = int(seen)
