"""Log records as usage: GenAI events, and the events of coding agents."""

from __future__ import annotations

from collections.abc import Sequence

from agent_observability.intake.otlp.model import Group, Log
from agent_observability.llm_cost import coding_agents as agents
from agent_observability.llm_cost import genai
from agent_observability.llm_cost.attributes import BadValueError
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.memory import Memory, Origin, Taken
from agent_observability.llm_cost.precedence import SourcePlan

__all__ = ["NO_SESSION", "take_logs"]

NO_SESSION = "unknown"
"""Session of an agent that does not say which it is."""

# Spans outrank events, which tell the same calls.
_EVENT_RANK = 1


def take_logs(groups: Sequence[Group[Log]], project: str, now_ms: int, memory: Memory, config: OtlpConfig) -> Taken:
    """What a request of log records tells."""
    taken = Taken()
    reader = _Reader(memory, config, taken, now_ms)
    for group in groups:
        origin = Origin(group.resource, project)
        for log in group.items:
            try:
                if genai.EVENT in (log.event_name, log.attributes.get("event.name")):
                    counted = reader.genai_event(log, origin)
                else:
                    counted = reader.agent_event(log, agents.event_of(log, group.scope), origin)
            except BadValueError as error:
                taken.reject(log.index, error)
            else:
                taken.ignored += not counted
    reader.close()
    return taken.close(groups)


class _Reader:
    """Of one request. Methods say whether a record was counted."""

    def __init__(self, memory: Memory, config: OtlpConfig, taken: Taken, now_ms: int) -> None:
        self._memory = memory
        self._config = config
        self._taken = taken
        self._now = now_ms
        self._plan: SourcePlan = memory.sources.plan(now_ms)
        self._told: list[str] = []
        taken.sources = self._plan

    def genai_event(self, log: Log, origin: Origin) -> bool:
        usage = genai.usage_of_event(log, origin.common, origin.project)
        if usage is None or self._config.genai == "metrics":
            return False
        if not self._plan.detailed(origin.source, log.time_ns or log.observed_ns, _EVENT_RANK):
            return False
        if log.span_id:
            self._told.append(genai.span_key(log.trace_id, log.span_id))
        self._taken.add(usage, log.index)
        return True

    def agent_event(self, log: Log, event: str, origin: Origin) -> bool:
        taken = self._taken
        if event == agents.TOOL:
            taken.counts.append(agents.tool_count(log))
            return True
        if event not in (agents.REQUEST, agents.ERROR):
            return False
        usage, time_ns = agents.call_of(log, event, origin.common, origin.project)
        session = self._session(usage.session)
        taken.counts += agents.runner_calls(usage, session)
        if self._config.coding_agents == "metrics":
            return False
        if event == agents.REQUEST:
            # Its metrics may tell the session, or only the user.
            new = self._plan.detailed(origin.user(log.attributes), time_ns)
            if usage.session:
                new = self._plan.detailed(origin.session(usage.session), time_ns) and new
            if not new:
                return False
            taken.counts += agents.runner_tokens(usage, session)
        taken.add(usage, log.index)
        return True

    def close(self) -> None:
        taken, memory = self._taken, self._memory
        taken.facts = memory.sources.facts(self._plan) | memory.told.facts(self._told)
        if taken.sessions is not None:
            taken.facts |= taken.sessions.facts

    def _session(self, session: str) -> str:
        if self._taken.sessions is None:
            self._taken.sessions = self._memory.sessions.plan(self._now)
        return self._taken.sessions.label(session or NO_SESSION)
