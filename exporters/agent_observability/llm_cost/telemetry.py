"""OTLP's three signals as usage: what each item tells, and whether another signal has told it already.

Nothing changes until `commit`. What a request makes (`Taken`) is to be committed in one transaction with its facts,
then `commit` takes it over. If it is not known whether that happened, `load` takes over what the ledger holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent_observability.intake.otlp.model import Group, Log, Point, Span
from agent_observability.llm_cost import genai
from agent_observability.llm_cost.attributes import BadValueError
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.memory import FACT_KINDS, FACT_SECONDS, Memory, Origin, Taken
from agent_observability.llm_cost.telemetry_logs import take_logs
from agent_observability.llm_cost.telemetry_metrics import take_metrics

__all__ = ["FACT_KINDS", "FACT_SECONDS", "Taken", "Telemetry"]


class Telemetry:
    """Of one configuration. `project`, of an API key, outdoes what the telemetry says; "" where the key is for all."""

    def __init__(self, config: OtlpConfig) -> None:
        self._config = config
        self._memory = Memory()

    def load(self, facts: Mapping[str, Mapping[str, bytes]]) -> None:
        """Take over what is committed (facts by kind and key), and forget all else."""
        self._memory.load(facts)

    def commit(self, taken: Taken) -> None:
        """Its facts are in the ledger."""
        self._memory.commit(taken)

    def traces(self, groups: Sequence[Group[Span]], project: str, now_ms: int) -> Taken:
        """Calls of models among spans."""
        memory = self._memory
        taken = Taken()
        taken.sources = plan = memory.sources.plan(now_ms)
        for group in groups:
            origin = Origin(group.resource, project)
            for span in group.items:
                try:
                    usage = genai.usage_of_span(span, origin.common, project)
                except BadValueError as error:
                    taken.reject(span.index, error)
                    continue
                if usage is None or self._config.genai == "metrics":
                    taken.ignored += 1
                elif plan.detailed(origin.source, max(span.start_ns, span.end_ns)) and usage.id not in memory.told:
                    taken.add(usage, span.index)
                else:
                    taken.ignored += 1
        taken.facts = memory.sources.facts(plan)
        return taken.close(groups)

    def metrics(self, groups: Sequence[Group[Point]], project: str, now_ms: int) -> Taken:
        """What metrics add to what is counted already."""
        return take_metrics(groups, project, now_ms, self._memory, self._config)

    def logs(self, groups: Sequence[Group[Log]], project: str, now_ms: int) -> Taken:
        """Calls of models among events, and what coding agents tell."""
        return take_logs(groups, project, now_ms, self._memory, self._config)
