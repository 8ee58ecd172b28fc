"""What a scrape shows of anomalies: how many go on, and who some of them are."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent_observability.credential_proxy.metrics import ANOMALY_INFO, ANOMALY_TYPES

__all__ = ["Shown", "named_for", "shown"]

_NAMED_SECONDS = 1_800.0
_MOST = ANOMALY_INFO.series_cap or 0


@dataclass(frozen=True, slots=True)
class Shown:
    """`active` counts the containers whose anomaly goes on, for every type. `named` are type, container and project of
    as many as have a name, with whether theirs goes on.
    """

    active: Mapping[str, int]
    named: Sequence[tuple[tuple[str, str, str], bool]]


def named_for(cooldown: float) -> float:
    """For how many seconds after the last sign of an anomaly its container is named: never less than it goes on."""
    return max(cooldown, _NAMED_SECONDS)


def shown(signs: Iterable[tuple[str, str, float]], project: str, now: float, cooldown: float) -> Shown:
    """`signs` are type, container and last sign of each anomaly.

    The newest are named, and so those that go on before any that is over. Numbers and names are of one moment: an
    anomaly that counts and has no name has found no room for it.
    """
    known = [(when, type_, who) for type_, who, when in signs if when > now - named_for(cooldown)]
    active = Counter(type_ for when, type_, _ in known if when > now - cooldown)
    return Shown(
        {type_: active[type_] for type_ in ANOMALY_TYPES},
        [((type_, who, project), when > now - cooldown) for when, type_, who in heapq.nlargest(_MOST, known)],
    )
