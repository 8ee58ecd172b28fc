"""Agent sessions: what each look at one changes in the counters, the gauges and the series of single sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import AgenticSession, SessionStatus
from agent_observability.cr_state.scene import Scene
from agent_observability.cr_state.session import (
    Created,
    Ended,
    Facts,
    Happening,
    Moved,
    Restarted,
    Started,
    is_scheduled,
    step,
)
from agent_observability.cr_state.text import clean
from agent_observability.cr_state.view import NOTHING, Reported, SessionListener, View

__all__ = ["SESSION", "Look", "Sessions", "without_credentials"]

SESSION = "session"
"""Kind of the facts about sessions, by uid."""

_WORKFLOW, _PHASE = "rfe-workflow", "rfe-phase"
_MAX_REPOS = 20
_MAX_NUMBER = 2**63
_STEP = 1_000
_TOKENS = {
    "input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
    "output_tokens": "output",
}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Facts).decode


class Look(msgspec.Struct, frozen=True, gc=False):
    """What a look at a session came to."""

    view: View
    happenings: list[Happening]


class Sessions(Follower[AgenticSession, Look]):
    """`views` are those shown, by uid, `facts` the stored ones.

    `custom(model)` says whether a model is none of the default ones.
    """

    def __init__(
        self,
        scene: Scene,
        listeners: Iterable[SessionListener],
        *,
        views: dict[str, View],
        facts: Mapping[str, bytes],
        custom: Callable[[str], bool],
        delayed: Callable[[float], None],
    ) -> None:
        super().__init__("agenticsessions", AgenticSession, scene)
        self._listeners = tuple(listeners)
        self._custom = custom
        self._delayed = delayed
        self.views = views
        # Those that are gone take less room as they are stored.
        self.past = dict(facts)
        # Those of them that are out of sight only, and must not be forgotten.
        self._hidden: set[str] = set()
        # In the order of time, which the listeners take much faster than any other.
        for known in sorted(map(_decode, facts.values()), key=lambda one: one.created):
            for listener in self._listeners:
                listener.known(known)

    def look(self, uid: str, found: AgenticSession) -> Look:
        view = self.views.get(uid)
        facts = view.facts if view else None
        if facts is None and uid in self.past:
            facts = _decode(self.past[uid])
        facts, happenings = step(facts, found, time.time())
        labels = found.metadata.labels
        workflow, name = (labels.get(_WORKFLOW, ""), labels.get(_PHASE, "")) if labels else ("", "")
        of_step = (clean(workflow), name) if workflow and name in m.STEPS else None
        return Look(View(facts, is_scheduled(found), _reported(found.status), of_step), happenings)

    def show(self, uid: str, look: Look, *, live: bool) -> None:
        old, new = self.views.get(uid), look.view
        facts = new.facts
        past = self.past.pop(uid, None)
        self._hidden.discard(uid)
        remembered = old is not None or past is not None
        counted = remembered or self.baselines.passed(self.resource, facts.namespace)
        self.views[uid] = new
        for happening in look.happenings if counted else ():
            self._count(facts, happening)
            if live and isinstance(happening, Ended) and facts.ended is not None:
                self._delayed(max(0.0, time.time() - facts.ended))
        if old is None or old.facts != facts:
            stored = _encode(facts)
            if stored != past:
                self.recorder.fact(SESSION, uid, stored)
        for listener in self._listeners:
            if not remembered:
                listener.known(facts)
            listener.changed(uid, old, new)

    def drop(self, uid: str) -> None:
        old = self.views.pop(uid)
        self.past[uid] = _encode(old.facts)
        for listener in self._listeners:
            listener.changed(uid, old, None)

    def hide(self, uid: str) -> None:
        self._hidden.add(uid)
        self.drop(uid)

    def listed(self, scope: str) -> None:
        self.history_ends(scope)
        for listener in self._listeners:
            listener.listed(scope)

    def missing(self, scope: str) -> None:
        # All that comes once the platform is installed is new.
        self.history_ends(scope)

    async def forget_before(self, created: float) -> None:
        """Forget sessions that are gone and were created before a time. Only once all that there are are shown."""
        for done, (uid, stored) in enumerate(list(self.past.items()), 1):
            if uid in self.past and uid not in self._hidden and _decode(stored).created < created:
                del self.past[uid]
                self.recorder.fact(SESSION, uid, None)
            if done % _STEP == 0:
                await asyncio.sleep(0)

    def _count(self, facts: Facts, happening: Happening) -> None:
        record, project = self.recorder, facts.namespace
        match happening:
            case Created():
                record.count(m.CREATED, (project, "true" if facts.mode == "interactive" else "false"))
                record.count(m.CREATED_REPOS, (project, facts.repos))
            case Moved(origin, to):
                record.count(m.TRANSITIONS, (project, origin, to))
            case Started(queued):
                record.observe(m.QUEUE_DURATION, (project, facts.mode), queued)
            case Ended(phase, reason, duration, ran):
                custom = "true" if self._custom(facts.model) else "false"
                record.count(m.COMPLETED, (project, phase))
                record.observe(m.DURATION, (project, phase), duration)
                record.count(m.OUTCOMES, (project, facts.mode, facts.model, custom, phase, reason))
                if ran is not None:
                    record.observe(m.RUN_DURATION, (project, facts.mode), ran)
            case Restarted():
                record.count(m.RESTARTS, (project,))


def _reported(status: SessionStatus) -> Reported:
    if not (status.repos or status.usage or status.num_turns is not None or status.total_cost_usd is not None):
        return NOTHING
    repos: dict[str, int] = {}
    for repo in status.repos or ():
        if repo.name and repo.status in ("pushed", "abandoned") and len(repos) < _MAX_REPOS:
            repos[clean(without_credentials(repo.name))] = int(repo.status == "pushed")
    usage: dict[str, Any] = status.usage or {}
    tokens = [(kind, usage[name]) for name, kind in _TOKENS.items() if _sane(usage.get(name))]
    turns = status.num_turns if _sane(status.num_turns) else None
    return Reported(tuple(repos.items()), status.total_cost_usd, turns, tuple(tokens))


def _sane(number: object) -> bool:
    """Whether it is a whole number that a sample can hold."""
    return type(number) is int and 0 <= number < _MAX_NUMBER


def without_credentials(url: str) -> str:
    """A repository's address without user, password and query; `git@host:path` has neither of these."""
    address = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = address.rpartition("://")
    if not scheme and rest.startswith("git@"):
        return rest
    # A password may hold a slash and a path an @: what looks like user:password ends at the last of them.
    user, at, place = rest.rpartition("@")
    if at and ":" not in user:
        user, at, place = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    return f"{scheme}{separator}{place if at else rest}"
