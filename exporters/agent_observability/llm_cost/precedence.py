"""Counted once, though the same use of a model may arrive in detail (spans, events, logs) and in sum (metrics).

A source is what tells both: a resource, or a session of a coding agent. Detail counts whenever it arrives. Sums count
for as long as no detail of their source was seen; from then on they are ignored. Detail of a time that the sums counted
so far cover is ignored, too: it is in them.

`plan` begins a plan, which sees what it has decided itself and changes nothing else. Its facts are to be committed
together with what was counted, then `commit` takes it over; if that is not known to have happened, `load` takes over
what the ledger holds.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Collection, Mapping

import msgspec

__all__ = ["KIND", "TOLD_KIND", "SourcePlan", "Sources", "Told"]

KIND = "otlp_source"
"""Kind of the facts, by source."""
TOLD_KIND = "otlp_told"
"""Kind of the facts, by span: those that an event has told before their source's first span."""

_MOST = 20_000
# How far behind the stored time may be by which sources are forgotten.
_STALE_MS = 3_600_000


class _State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`detail` is the rank of the best detail seen, `covered` the end (ns) of the sums counted, `seen` when (ms).

    `families` are the metrics that count where a source tells the same by two, by what they tell.
    """

    seen: int
    detail: int = 0
    covered: int = 0
    families: dict[str, str] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_State).decode


class SourcePlan:
    """What one request makes of the sources it comes from."""

    def __init__(self, states: Mapping[str, _State], now_ms: int) -> None:
        self._states = states
        self._now = now_ms
        self._changed: dict[str, _State] = {}
        self.touched: set[str] = set()

    @property
    def changed(self) -> Mapping[str, _State]:
        return self._changed

    def detailed(self, key: str, time_ns: int, rank: int = 2) -> bool:
        """Whether detail of this time counts. Of two kinds of detail the one of the higher rank does."""
        state = self._state(key)
        if state.detail < rank:
            self._change(key, msgspec.structs.replace(state, detail=rank))
        return state.detail <= rank and time_ns > state.covered

    def summed(self, key: str, until_ns: int, tells: str = "", family: str = "", *, always: bool = False) -> bool:
        """Whether a sum up to this time counts. If two families tell the same, the first one seen does.

        `always`: whatever detail there is.
        """
        state = self._state(key)
        if state.detail and not always:
            return False
        families = state.families
        if tells and tells not in families:
            families = {**families, tells: family}
        if tells and families[tells] != family:
            return False
        if until_ns > state.covered or families is not state.families:
            covered = max(until_ns, state.covered)
            self._change(key, _State(self._now, state.detail, covered, families))
        return True

    def _state(self, key: str) -> _State:
        self.touched.add(key)
        state = self._changed.get(key) or self._states.get(key)
        if state is None:
            return _State(self._now)
        if state.seen < self._now - _STALE_MS:
            state = msgspec.structs.replace(state, seen=self._now)
            self._change(key, state)
        return state

    def _change(self, key: str, state: _State) -> None:
        self._changed[key] = state


class Sources:
    """At most `most`; past that the one that was not heard of for longest is forgotten."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._states: OrderedDict[str, _State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def load(self, facts: Mapping[str, bytes]) -> None:
        """Take over what is committed, and forget all else."""
        states = {key: _decode(data) for key, data in facts.items()}
        self._states = OrderedDict(sorted(states.items(), key=lambda item: item[1].seen))

    def plan(self, now_ms: int) -> SourcePlan:
        """Of one request."""
        return SourcePlan(self._states, now_ms)

    def facts(self, plan: SourcePlan) -> dict[tuple[str, str], bytes | None]:
        """What to commit with it."""
        facts: dict[tuple[str, str], bytes | None] = {(KIND, key): None for key in self._leaving(plan)}
        facts.update({(KIND, key): _encode(state) for key, state in plan.changed.items()})
        return facts

    def commit(self, plan: SourcePlan) -> None:
        """What was planned is committed."""
        for key in self._leaving(plan):
            del self._states[key]
        self._states.update(plan.changed)
        for key in plan.touched:
            if key in self._states:
                self._states.move_to_end(key)

    def _leaving(self, plan: SourcePlan) -> list[str]:
        """Those that make room, the oldest first."""
        number = len(self._states) + sum(key not in self._states for key in plan.changed) - self._most
        if number <= 0:
            return []
        return [key for key in self._states if key not in plan.touched][:number]


class Told:
    """Spans that an event has told already, as far as is needed: until the first span of their source comes."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._ids: dict[str, None] = {}

    def __contains__(self, id_: object) -> bool:
        return id_ in self._ids

    def load(self, facts: Mapping[str, bytes]) -> None:
        """Take over what is committed, and forget all else."""
        self._ids = dict.fromkeys(facts)

    def facts(self, told: Collection[str]) -> dict[tuple[str, str], bytes | None]:
        """What to commit so that these are known; the oldest ones make room."""
        new = [id_ for id_ in told if id_ not in self._ids][-self._most :]
        leaving = itertools.islice(self._ids, max(0, len(self._ids) + len(new) - self._most))
        facts: dict[tuple[str, str], bytes | None] = {(TOLD_KIND, id_): None for id_ in leaving}
        facts.update({(TOLD_KIND, id_): b"" for id_ in new})
        return facts

    def commit(self, facts: Mapping[tuple[str, str], bytes | None]) -> None:
        """Of facts that are committed, take over those of this kind."""
        for (kind, id_), data in facts.items():
            if kind == TOLD_KIND and data is None:
                self._ids.pop(id_, None)
            elif kind == TOLD_KIND:
                self._ids[id_] = None
