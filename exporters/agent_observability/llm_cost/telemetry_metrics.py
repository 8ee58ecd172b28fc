"""Metric points as usage: GenAI client metrics, and those of coding agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent_observability.intake.errors import Rejected
from agent_observability.intake.otlp.model import Group, Point
from agent_observability.llm_cost import coding_agents as agents
from agent_observability.llm_cost import genai_metrics
from agent_observability.llm_cost.attributes import BadValueError
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.memory import Memory, Origin, Taken
from agent_observability.llm_cost.precedence import SourcePlan
from agent_observability.llm_cost.readings import Reading, digest, fold
from agent_observability.llm_cost.telemetry_logs import NO_SESSION
from agent_observability.llm_cost.usage import Usage

__all__ = ["take_metrics"]


# How far ahead a sender's clock may be.
_AHEAD_MS = 300_000


class _Found(NamedTuple):
    """A reading, and whether it counts or has only to be remembered."""

    reading: Reading
    agent: bool
    counts: bool


def take_metrics(
    groups: Sequence[Group[Point]], project: str, now_ms: int, memory: Memory, config: OtlpConfig
) -> Taken:
    """What a request of metrics adds."""
    taken = Taken()
    taken.sources = plan = memory.sources.plan(now_ms)
    found: list[_Found] = []
    latest = (now_ms + _AHEAD_MS) * 1_000_000
    for group in groups:
        wanted = [
            point for point in group.items if point.metric in agents.METRICS or point.metric in genai_metrics.FAMILIES
        ]
        taken.ignored += len(group.items) - len(wanted)
        if not wanted:
            continue
        origin = Origin(group.resource, project)
        where = digest(project, group.resource, group.scope)
        for point in wanted:
            try:
                _check_time(point, latest)
                one = _read(point, where, origin, plan, config)
            except BadValueError as error:
                taken.reject(point.index, error)
                continue
            if one is None:
                taken.ignored += 1
            else:
                found.append(one)
    _count(found, taken, memory, now_ms)
    return taken.close(groups)


def _check_time(point: Point, latest: int) -> None:
    if point.time_ns > latest:
        # It would cover everything that comes until then.
        raise BadValueError("timeUnixNano", "expected a time that is not in the future")


def _read(point: Point, where: str, origin: Origin, plan: SourcePlan, config: OtlpConfig) -> _Found | None:
    agent = point.metric in agents.METRICS
    read = agents.read if agent else genai_metrics.read
    reading = read(point, where, origin.common, origin.project)
    if reading is None:
        return None
    if agent:
        session = reading.base.session
        source = origin.session(session) if session else origin.user(point.attributes)
        counts = plan.summed(source, point.time_ns, always=config.coding_agents == "metrics")
    else:
        family = genai_metrics.FAMILIES[point.metric]
        always = config.genai == "metrics"
        counts = plan.summed(origin.source, point.time_ns, family.tells, family.generation, always=always)
    return _Found(reading, agent, counts)


def _count(found: Sequence[_Found], taken: Taken, memory: Memory, now_ms: int) -> None:
    # What does not count now is followed all the same: it must not be counted in full when it does one day.
    taken.streams = streams = memory.streams.plan([one.reading.sample for one in found], now_ms)
    for at in streams.refused:
        taken.rejected.append(Rejected(found[at].reading.item, "", f"expected at most {memory.streams.most:,} streams"))
    added: list[tuple[Reading, bool, tuple[int, ...]]] = []
    for at, (one, delta) in enumerate(zip(found, streams.deltas, strict=True)):
        if at in streams.refused:
            continue
        if delta is None or not one.counts:
            taken.ignored += 1
        else:
            added.append((one.reading, one.agent, delta))
    usages, counts = fold([(reading, delta) for reading, agent, delta in added if not agent])
    of_agents, _ = fold([(reading, delta) for reading, agent, delta in added if agent])
    taken.counts += counts
    _runner(of_agents, taken, memory, now_ms)
    last = max((one.reading.item for one in found), default=0)
    for usage in (*usages, *of_agents):
        taken.add(usage, last)
    taken.facts = memory.sources.facts(taken.sources) if taken.sources else {}
    taken.facts |= streams.facts
    if taken.sessions is not None:
        taken.facts |= taken.sessions.facts


def _runner(usages: Sequence[Usage], taken: Taken, memory: Memory, now_ms: int) -> None:
    """Tokens of agents' sessions."""
    if usages:
        taken.sessions = sessions = memory.sessions.plan(now_ms)
        for usage in usages:
            taken.counts += agents.runner_tokens(usage, sessions.label(usage.session or NO_SESSION))
