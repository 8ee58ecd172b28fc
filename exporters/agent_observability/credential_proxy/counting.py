"""What records count, summed over many of them: a ledger takes one `Count` per series, not one per record."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Mapping

from agent_observability.credential_proxy import metrics as m
from agent_observability.credential_proxy.record import Records
from agent_observability.ledger.batch import Count, Labels
from agent_observability.metric import OTHER, Metric

__all__ = ["Services", "counts_of"]

Services = Mapping[str, frozenset[str]]
"""The operations that are told apart, by service. Everything else is `other`: clients choose what they ask for."""

_EDGES = m.RESPONSE_DURATION.buckets
_SUM = len(_EDGES) + 1
_SCALE = m.RESPONSE_DURATION.scale


def counts_of(records: Records, services: Services) -> list[Count]:
    """Requests, rejections and response times. The sum of those is exact in 1/`scale` units, rounded record by record.

    Names that clients invent are summed before they are folded: there are no more of them than records.
    """
    sums: defaultdict[tuple[Metric, Labels], int] = defaultdict(int)
    slots: dict[str, list[int]] = {}
    # Times are whole milliseconds nearly always: there are far fewer of them, too, than records.
    told = Counter(
        zip(records.services, records.operations, records.statuses, records.reasons, records.durations, strict=True)
    )
    for (service, operation, status, reason, duration), number in told.items():
        known = services.get(service)
        shown = OTHER if known is None else service
        folded = operation if known is not None and operation in known else OTHER
        sums[m.REQUESTS, (shown, folded, status)] += number
        if reason:
            sums[m.REJECTIONS, (shown, reason)] += number
        if duration is not None:
            steps = slots.get(shown)
            if steps is None:
                steps = slots[shown] = [0] * (_SUM + 1)
            steps[bisect.bisect_left(_EDGES, duration)] += number
            steps[_SUM] += round(duration * _SCALE) * number
    counts = [Count(metric, labels, ((0, number),)) for (metric, labels), number in sums.items()]
    for shown, steps in slots.items():
        # The sum goes along even where it is 0.
        pairs = tuple([(slot, amount) for slot, amount in enumerate(steps) if amount or slot == _SUM])
        counts.append(Count(m.RESPONSE_DURATION, (shown,), pairs))
    return counts
