"""Metric streams: what each data point adds to what is counted already.

A delta point adds its value, once per end time. A cumulative one adds what it is above the last one; the first of a
stream, and the first after a reset (a value that fell), adds all of it. Points that come late or again add nothing.
A start time of its own makes a stream of its own: so one that restarts begins anew, and processes which share all
attributes without knowing do not look like resets of each other.

`plan` changes nothing. Its facts are to be committed together with what was counted, then `commit` takes it over; if
that is not known to have happened, `load` takes over what the ledger holds.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

__all__ = ["KIND", "Sample", "StreamPlan", "Streams"]

KIND = "otlp_stream"
"""Kind of the facts, by stream."""

_MOST = 20_000
# A sender that lives repeats its cumulative streams every minute or so. Of a delta stream it matters only for as long
# as its points may come twice: agents have some per session, of which there are thousands a day.
_IDLE_MS = 86_400_000
_IDLE_DELTA_MS = 3_600_000
# How many end times of a delta stream are known. Several processes may share a stream without knowing.
_ENDS = 16
_DELTA = ".delta"


class Sample(NamedTuple):
    """A data point. `key` is resource, metric and attributes; `values` grow, and the first one that falls is a reset.

    Times are nanoseconds since the epoch, `start` 0 where unknown.
    """

    key: str
    delta: bool
    start: int
    time: int
    values: tuple[int, ...]


class _State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a cumulative stream the last point; of a delta stream the last end times. `seen`: when, in ms."""

    seen: int
    time: int = 0
    values: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_State)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Per sample what its values add, None where that is nothing; `refused` are those for which no stream is free."""

    deltas: list[tuple[int, ...] | None] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    facts: dict[tuple[str, str], bytes | None] = field(default_factory=dict)


class Streams:
    """At most `most` streams. Those that were not heard of for a day, or an hour if they are of deltas, make room.

    Past that new ones are refused: one that is forgotten while its sender lives would be counted again in full.
    """

    def __init__(self, most: int = _MOST) -> None:
        self.most = most
        # Packed, as in the ledger: there may be many, and few at a time are looked at.
        self._states: dict[str, bytes] = {}
        # Until when (ms) a search for idle ones is in vain.
        self._all_live_until = 0

    def __len__(self) -> int:
        return len(self._states)

    def load(self, facts: Mapping[str, bytes]) -> None:
        """Take over what is committed, and forget all else."""
        self._states = dict(facts)
        self._all_live_until = 0

    def commit(self, plan: StreamPlan) -> None:
        """What was planned is committed."""
        for (_, key), state in plan.facts.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state

    def plan(self, samples: Sequence[Sample], now_ms: int) -> StreamPlan:
        """What these points add, one after the other."""
        plan = StreamPlan()
        new: dict[str, _State] = {}
        forgotten: set[str] = set()
        added = 0
        searched = False
        keys = [f"{sample.key}{_DELTA}" if sample.delta else f"{sample.key}.{sample.start}" for sample in samples]
        for at, (key, sample) in enumerate(zip(keys, samples, strict=True)):
            state = new.get(key) or self._known(key, forgotten)
            if state is None:
                if len(self._states) - len(forgotten) + added >= self.most and not searched:
                    searched = True
                    forgotten.update(self._idle(now_ms).difference(keys))
                if len(self._states) - len(forgotten) + added >= self.most:
                    plan.refused.add(at)
                    plan.deltas.append(None)
                    continue
                added += 1
            following, delta = _step(state, sample, now_ms)
            plan.deltas.append(delta)
            if following is not state:
                new[key] = following
        plan.facts.update({(KIND, key): None for key in forgotten - new.keys()})
        plan.facts.update({(KIND, key): _encode(state) for key, state in new.items()})
        return plan

    def _known(self, key: str, forgotten: Container[str]) -> _State | None:
        packed = self._states.get(key)
        return None if packed is None or key in forgotten else _decoder.decode(packed)

    def _idle(self, now_ms: int) -> set[str]:
        if now_ms < self._all_live_until:
            return set()
        found, live_until = self._search(now_ms)
        if not found:
            # One that comes after this search may be the first to be idle.
            self._all_live_until = min(live_until, now_ms + _IDLE_DELTA_MS)
        return found

    def _search(self, now_ms: int) -> tuple[set[str], int]:
        """Those that are idle; and, of the others, when the first one will be."""
        found = set()
        live_until = now_ms + _IDLE_MS
        for key, packed in self._states.items():
            until = _decoder.decode(packed).seen + (_IDLE_DELTA_MS if key.endswith(_DELTA) else _IDLE_MS)
            if until < now_ms:
                found.add(key)
            else:
                live_until = min(live_until, until)
        return found, live_until


def _step(state: _State | None, sample: Sample, now_ms: int) -> tuple[_State, tuple[int, ...] | None]:
    """The state after a point, and what the point adds."""
    if sample.delta:
        ends = state.ends if state else ()
        if state and sample.time in ends:
            return state, None
        return _State(now_ms, ends=(*ends, sample.time)[-_ENDS:]), sample.values
    following = _State(now_ms, sample.time, sample.values)
    if state is None:
        return following, sample.values
    if sample.time <= state.time:
        return state, None
    if sample.values[0] < state.values[0]:
        return following, sample.values
    return following, tuple([max(0, new - old) for new, old in zip(sample.values, state.values, strict=True)])
