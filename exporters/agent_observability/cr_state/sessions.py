"""Agent sessions: what each look at one changes in the counters, the gauges and the series of single sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower, Scene
from agent_observability.cr_state.objects import AgenticSession, SessionStatus
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

__all__ = ["SESSION", "Look", "Sessions"]

SESSION = "session"
"""Kind of the facts about sessions, by uid."""

_WORKFLOW, _PHASE = "rfe-workflow", "rfe-phase"
_MAX_REPOS = 20
_TOKENS = {
    "input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
    "output_tokens": "output",
}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Facts).decode


class Look(msgspec.Struct, frozen=True, gc=False):
    """What a look at a session came to. `step` is the workflow and step it is for."""

    view: View
    happenings: list[Happening]
    step: tuple[str, str] | None = None


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
        for stored in facts.values():
            known = _decode(stored)
            for listener in self._listeners:
                listener.known(known)
                if known.ended is not None:
                    listener.ended(known)

    def look(self, uid: str, found: AgenticSession) -> Look:
        view = self.views.get(uid)
        facts = view.facts if view else None
        if facts is None and uid in self.past:
            facts = _decode(self.past[uid])
        facts, happenings = step(facts, found, time.time())
        labels = found.metadata.labels
        workflow, name = (labels.get(_WORKFLOW, ""), labels.get(_PHASE, "")) if labels else ("", "")
        of_step = (clean(workflow), name) if workflow and name in m.STEPS else None
        return Look(View(facts, is_scheduled(found), _reported(found.status)), happenings, of_step)

    def show(self, uid: str, look: Look, *, live: bool) -> None:
        old, new = self.views.get(uid), look.view
        facts = new.facts
        past = self.past.pop(uid, None)
        remembered = old is not None or past is not None
        counted = remembered or self.baselines.passed(self.resource, facts.namespace)
        self.views[uid] = new
        for happening in look.happenings:
            if counted:
                self._count(facts, happening)
            if isinstance(happening, Ended):
                for listener in self._listeners:
                    listener.ended(facts)
                if live and facts.ended is not None:
                    self._delayed(max(0.0, time.time() - facts.ended))
        if old is None or old.facts != facts:
            stored = _encode(facts)
            if stored != past:
                self.recorder.fact(SESSION, uid, stored)
        for listener in self._listeners:
            if not remembered:
                listener.known(facts)
            listener.changed(uid, old, new)
            if look.step:
                listener.stepped(facts.namespace, *look.step, done="completed" in (facts.end_phase, facts.phase))

    def drop(self, uid: str) -> None:
        old = self.views.pop(uid)
        self.past[uid] = _encode(old.facts)
        for listener in self._listeners:
            listener.changed(uid, old, None)

    def listed(self, scope: str) -> None:
        self.history_ends(scope)

    def missing(self, scope: str) -> None:
        # All that comes once the platform is installed is new.
        self.history_ends(scope)

    def forget_before(self, created: float) -> None:
        """Forget sessions that are gone and were created before a time."""
        for uid, stored in list(self.past.items()):
            if _decode(stored).created < created:
                del self.past[uid]
                self.recorder.fact(SESSION, uid, None)

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
    tokens = [(kind, usage[name]) for name, kind in _TOKENS.items() if type(usage.get(name)) is int]
    return Reported(tuple(repos.items()), status.total_cost_usd, status.num_turns, tuple(tokens))


def without_credentials(url: str) -> str:
    """A repository's address without the user and password that it may have."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
