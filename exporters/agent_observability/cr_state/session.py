"""What happens to one session, as far as its object shows it: pure, from what was known and what is seen now.

What nobody saw is not invented: a session that went from Pending to Completed between two looks moved once, and one
that was created and deleted in between never was.
"""

from __future__ import annotations

import msgspec

from agent_observability.cr_state.objects import AgenticSession, epoch
from agent_observability.cr_state.reasons import reason_of
from agent_observability.cr_state.text import shared
from agent_observability.metric import OTHER

__all__ = [
    "ENDED",
    "PHASES",
    "Created",
    "Ended",
    "Facts",
    "Happening",
    "Moved",
    "Restarted",
    "Started",
    "is_scheduled",
    "step",
]

PHASES = ("pending", "creating", "running", "stopping", "stopped", "completed", "failed", "error")
"""Of both generations; whatever else comes is `other`."""

# One string for each, as there are many sessions.
_KNOWN = {phase: phase for phase in PHASES}

ENDED = frozenset({"stopped", "completed", "failed", "error"})
_BEGUN = ENDED | {"running", "stopping"}
_SCHEDULED = "ambient-code.io/scheduled-run"
NO_MODEL = "default"
"""Label of sessions that name no model: they get the platform's default one."""


class Facts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of a session, by its UID, for longer than the object lives. Times are Unix time.

    `mode`, `model`, `repos` and `created` are those first seen. `ended` is the first end, whatever comes later.
    Stored as a list: new fields go to the end, with a default.
    """

    namespace: str
    name: str
    created: float
    mode: str
    model: str = ""
    repos: str = "1"
    user: str = ""
    phase: str = "pending"
    since: float = 0.0
    start: float | None = None
    started: float | None = None
    ended: float | None = None
    end_phase: str = ""
    restarts: int = 0


class Created(msgspec.Struct, frozen=True, gc=False):
    """A session is there that was not."""


class Moved(msgspec.Struct, frozen=True, gc=False):
    """From one phase to another."""

    origin: str
    to: str


class Started(msgspec.Struct, frozen=True, gc=False):
    """It runs for the first time, so many seconds after it was created."""

    queued: float


class Ended(msgspec.Struct, frozen=True, gc=False):
    """Its first end: seconds since it was created, and since it ran, if that was ever seen."""

    phase: str
    reason: str
    duration: float
    ran: float | None


class Restarted(msgspec.Struct, frozen=True, gc=False):
    """It runs again."""


_CREATED = Created()

Happening = Created | Moved | Started | Ended | Restarted


def step(facts: Facts | None, session: AgenticSession, now: float) -> tuple[Facts, list[Happening]]:
    """What is known after a look at `session` at `now`, and what has happened since the last one."""
    phase = _phase(session)
    start = epoch(session.status.start)
    if facts is None:
        facts = _first(session, phase, now)
        happenings: list[Happening] = [_CREATED]
    elif phase != facts.phase:
        happenings = [Moved(facts.phase, phase)]
    else:
        happenings = []
    since = facts.since if phase == facts.phase and facts.since else now
    restarts = facts.restarts
    waits = phase in ("pending", "creating")
    known_start = facts.start if start is None else start
    if (facts.phase in _BEGUN and waits) or (facts.phase in ENDED and phase == "running"):
        happenings.append(Restarted())
        restarts += 1
        # The platform may set the new start some time after the phase: until then it tells nothing.
        known_start = None if waits else start
    elif facts.start is None and restarts and waits:
        known_start = None
    elif facts.start is not None and start is not None and start > facts.start:
        # Nobody saw the end before.
        happenings.append(Restarted())
        restarts += 1
    started = facts.started
    if started is None:
        started = _running_since(session, start)
        if started is not None:
            happenings.append(Started(max(0.0, started - facts.created)))
    ended, end_phase = facts.ended, facts.end_phase
    if ended is None and phase in ENDED:
        ended, end_phase = epoch(session.status.completion) or now, phase
        ran = None if started is None else max(0.0, ended - started)
        happenings.append(Ended(phase, reason_of(session, phase), max(0.0, ended - facts.created), ran))
    known = Facts(
        facts.namespace,
        facts.name,
        facts.created,
        facts.mode,
        facts.model,
        facts.repos,
        facts.user,
        phase,
        since,
        known_start,
        started,
        ended,
        end_phase,
        restarts,
    )
    return known, happenings


def _first(session: AgenticSession, phase: str, now: float) -> Facts:
    meta, spec = session.metadata, session.spec
    count = len(spec.repos or ())
    model, user = spec.llm_settings and spec.llm_settings.model, spec.user_context and spec.user_context.user_id
    return Facts(
        meta.namespace,
        meta.name,
        epoch(meta.creation_timestamp) or now,
        _mode(session),
        shared(model) if model else NO_MODEL,
        "3+" if count > 2 else "2" if count == 2 else "1",
        shared(user) if user else "",
        phase,
    )


def _phase(session: AgenticSession) -> str:
    """An object without a status is new: nobody has looked at it yet."""
    return _KNOWN.get((session.status.phase or "Pending").lower(), OTHER)


def is_scheduled(session: AgenticSession) -> bool:
    """Whether a schedule has made it."""
    return _SCHEDULED in (session.metadata.labels or {})


def _newer(session: AgenticSession) -> bool:
    """Whether the object is of the newer generation of the platform."""
    spec, status = session.spec, session.status
    if (
        spec.initial_prompt is not None
        or spec.stop_on_run_finished is not None
        or status.observed_generation is not None
        or status.conditions is not None
    ):
        return True
    if spec.prompt is not None or spec.interactive is not None or status.job_name is not None:
        return False
    repos = [one for one in spec.repos or () if isinstance(one, dict)]
    if any("url" in repo for repo in repos):
        return True
    first = spec.main_repo_index is not None or spec.auto_push_on_complete is not None
    return not first and not any("input" in repo for repo in repos)


def _mode(session: AgenticSession) -> str:
    spec = session.spec
    if _newer(session):
        scheduled = is_scheduled(session)
        return "batch" if spec.stop_on_run_finished or scheduled else "interactive"
    return "interactive" if spec.interactive else "batch"


def _running_since(session: AgenticSession, start: float | None) -> float | None:
    """When its runner started. The newer generation's startTime includes the time in the queue: of no use here."""
    if not _newer(session):
        return start
    started = (one for one in session.status.conditions or () if one.type == "RunnerStarted" and one.status == "True")
    return next((epoch(condition.last_transition_time) for condition in started), None)
