"""What telemetry leaves behind from one request to the next, and what one request makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent_observability.intake.errors import Rejected
from agent_observability.intake.otlp.model import Attributes, Group, Log, Point, Span
from agent_observability.ledger.batch import Count
from agent_observability.llm_cost import precedence, runner_sessions, streams
from agent_observability.llm_cost.attributes import BadValueError, Whose, text, whose
from agent_observability.llm_cost.precedence import SourcePlan, Sources, Told
from agent_observability.llm_cost.readings import digest
from agent_observability.llm_cost.runner_sessions import RunnerSessions, SessionPlan
from agent_observability.llm_cost.streams import StreamPlan, Streams
from agent_observability.llm_cost.usage import Usage

__all__ = ["FACT_KINDS", "FACT_SECONDS", "Memory", "Origin", "Taken"]

_DAY = 86_400.0
FACT_SECONDS = {
    streams.KIND: 7 * _DAY,
    precedence.KIND: 7 * _DAY,
    precedence.TOLD_KIND: _DAY,
    runner_sessions.KIND: 2.0 * runner_sessions.SECONDS,
}
"""How long facts are kept after their last change, by kind."""
FACT_KINDS = tuple(FACT_SECONDS)

# Of an agent whose metrics do not say in which session they were taken.
_USER = ("user.id", "user.account_uuid", "user.email")


@dataclass(slots=True)
class Taken:
    """What a request has told: `usages`, each of the item `indexes` has for it, and `counts` beside them.

    Every item is either accepted, ignored on purpose, or rejected. The plans are for `Memory.commit`.
    """

    usages: list[Usage] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    facts: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    ignored: int = 0
    accepted: int = 0
    sources: SourcePlan | None = None
    sessions: SessionPlan | None = None
    streams: StreamPlan | None = None

    def add(self, usage: Usage, index: int) -> None:
        """Count it."""
        self.usages.append(usage)
        self.indexes.append(index)

    def reject(self, index: int, error: BadValueError) -> None:
        """Tell what is wrong with an item."""
        self.rejected.append(Rejected(index, error.field, error.reason))

    def close(self, groups: Sequence[Group[Span]] | Sequence[Group[Point]] | Sequence[Group[Log]]) -> Taken:
        """What is neither rejected nor ignored is accepted."""
        self.accepted = sum(len(group.items) for group in groups) - len(self.rejected) - self.ignored
        return self


class Memory:
    """Nothing changes but by `commit` and `load`."""

    def __init__(self) -> None:
        self.streams = Streams()
        self.sources = Sources()
        self.told = Told()
        self.sessions = RunnerSessions()

    def load(self, facts: Mapping[str, Mapping[str, bytes]]) -> None:
        """Take over what is committed (facts by kind and key), and forget all else."""
        self.streams.load(facts.get(streams.KIND, {}))
        self.sources.load(facts.get(precedence.KIND, {}))
        self.told.load(facts.get(precedence.TOLD_KIND, {}))
        self.sessions.load(facts.get(runner_sessions.KIND, {}))

    def commit(self, taken: Taken) -> None:
        """Its facts are in the ledger."""
        if taken.sources is not None:
            self.sources.commit(taken.sources)
        if taken.sessions is not None:
            self.sessions.commit(taken.sessions)
        if taken.streams is not None:
            self.streams.commit(taken.streams)
        self.told.commit(taken.facts)


class Origin:
    """Who sends a group: what its resource says, and the names of the sources that it may be."""

    def __init__(self, resource: Attributes, project: str) -> None:
        self.project = project
        self.common: Whose = whose(resource)
        self._identity = _identity(resource)
        self.source = f"genai-{digest(project, self._identity)}"

    def session(self, session: str) -> str:
        """A session of a coding agent."""
        return f"session-{digest(self.project, session)}"

    def user(self, attributes: Attributes) -> str:
        """A coding agent's user, for telemetry that names no session."""
        return f"user-{digest(self.project, self._identity, text(attributes, _USER))}"


def _identity(resource: Attributes) -> str:
    """What names a process, whichever signal it sends."""
    instance = resource.get("service.instance.id")
    if instance:
        return digest(resource.get("service.namespace"), resource.get("service.name"), instance)
    return digest({name: value for name, value in resource.items() if not name.startswith("telemetry.")})
