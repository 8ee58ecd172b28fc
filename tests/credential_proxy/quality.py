"""How well anomalies are found on simulated days: `python -m tests.credential_proxy.quality [SEED…]`, one JSON line.

Precision is the share of anomalies that belong to an attack: same container, within its time, a type that it must or
may have. Recall is the share of what must be found that was.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from agent_observability.credential_proxy.anomalies import Detector
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES
from agent_observability.credential_proxy.record import Records
from tests.credential_proxy.day import SERVICES, Attack, Day, simulate

__all__ = ["SEEDS", "Quality", "measure"]

SEEDS = (1, 2, 3, 4, 5)
STATED = ANOMALY_TYPES[:3]
OUTLIER = ANOMALY_TYPES[3]

_TOGETHER = 500
# A bucket of the baseline may end after the attack did.
_AFTER = {OUTLIER: 300.0}


@dataclass
class Quality:
    """Of all days. `wrong` are (day, type, container, time) of what was no attack, `missed` what was not found."""

    records: int = 0
    right: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str, str, float]] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[int, str, Attack]] = field(default_factory=list)

    def precision(self, types: Iterable[str] = ANOMALY_TYPES) -> float:
        right = sum(self.right[type_] for type_ in types)
        wrong = sum(type_ in types for _, type_, _, _ in self.wrong)
        return right / (right + wrong)

    def recall(self, types: Iterable[str] = ANOMALY_TYPES) -> float:
        found = sum(self.found[type_] for type_ in types)
        missed = sum(type_ in types for _, type_, _ in self.missed)
        return found / (found + missed)


def measure(seeds: Iterable[int]) -> Quality:
    """Over the days of these seeds."""
    quality = Quality()
    for seed in seeds:
        day = simulate(seed)
        quality.records += len(day.records)
        anomalies = list(detected(day))
        for type_, container, moment in anomalies:
            if any(_fits(attack, type_, container, moment) for attack in day.attacks):
                quality.right[type_] += 1
            else:
                quality.wrong.append((seed, type_, container, moment))
        for attack in day.attacks:
            for type_ in attack.types:
                if any(_fits(attack, *anomaly) and anomaly[0] == type_ for anomaly in anomalies):
                    quality.found[type_] += 1
                else:
                    quality.missed.append((seed, type_, attack))
    return quality


def detected(day: Day) -> Iterator[tuple[str, str, float]]:
    """Type, container and time of every anomaly of a day that is followed as it goes on."""
    now = 0.0
    detector = Detector(AnomaliesConfig(), SERVICES, "simulated", clock=lambda: now)
    for first in range(0, len(day.records), _TOGETHER):
        records = day.records[first : first + _TOGETHER]
        now = max(record.timestamp for record in records) + 1
        for event in detector.see(Records(records)).events:
            told = msgspec.json.decode(event.data)
            yield event.labels[0], told["container"], event.timestamp / 1000


def _fits(attack: Attack, type_: str, container: str, moment: float) -> bool:
    if container != attack.container or type_ not in attack.types | {OUTLIER}:
        return False
    return attack.begin - 0.001 <= moment <= attack.end + _AFTER.get(type_, 0.001)


def summary(quality: Quality) -> dict[str, object]:
    return {
        "quality": "credential_proxy",
        "records": quality.records,
        "anomalies": sum(quality.right.values()) + len(quality.wrong),
        "precision": round(quality.precision(), 4),
        "recall": round(quality.recall(), 4),
        "stated": {"precision": round(quality.precision(STATED), 4), "recall": round(quality.recall(STATED), 4)},
        "rate_outlier": {
            "precision": round(quality.precision([OUTLIER]), 4),
            "recall": round(quality.recall([OUTLIER]), 4),
        },
    }


if __name__ == "__main__":
    logging.disable()
    print(json.dumps(summary(measure([int(seed) for seed in sys.argv[1:]] or SEEDS))))
