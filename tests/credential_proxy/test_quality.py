"""Whether attacks among busy honest containers are found, and only they."""

from __future__ import annotations

import json
import logging

import pytest

from tests.credential_proxy.day import simulate
from tests.credential_proxy.quality import OUTLIER, STATED, measure, summary


def test_attacks_are_found_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    quality = measure((1, 2))
    print(json.dumps(summary(quality)))
    assert [(seed, type_, attack.kind) for seed, type_, attack in quality.missed if type_ != OUTLIER] == []
    assert quality.recall(STATED) == 1.0
    assert [one for one in quality.wrong if one[1] != OUTLIER] == []
    assert quality.precision() >= 0.95
    assert quality.recall([OUTLIER]) >= 0.9
    # Otherwise the figures would say little.
    assert min(quality.found.values()) >= 10
    assert quality.precision([OUTLIER]) >= 0.8


def test_a_day_is_what_its_labels_say() -> None:
    """Honest containers come up to the limits and never beyond; every attack goes beyond what it is labelled with."""
    day = simulate(3, each=2)
    assert len(day.honest) >= 300 and len(day.attacks) >= 12
    times: dict[str, list[float]] = {}
    rejections: dict[str, list[float]] = {}
    unknown: set[str] = set()
    for record in day.records:
        times.setdefault(record.container, []).append(record.timestamp)
        if record.status == "rejected":
            rejections.setdefault(record.container, []).append(record.timestamp)
        if record.service not in ("github", "anthropic"):
            unknown.add(record.container)
    fast = {name for name, moments in times.items() if _closest(moments, 11) < 60 - 1e-6}
    clumsy = {name for name, moments in rejections.items() if _closest(moments, 6) < 600 - 1e-6}
    labelled = {type_: {one.container for one in day.attacks if type_ in one.types} for type_ in STATED}
    assert {"high_request_rate": fast, "unknown_service": unknown, "repeated_rejections": clumsy} == labelled
    assert not day.honest & {attack.container for attack in day.attacks}
    assert min(_closest(times[name], 11) for name in day.honest) < 60.001
    assert any(_closest(rejections[name], 5) < 600 for name in day.honest if name in rejections)
    assert simulate(3, each=2).records == day.records


def _closest(moments: list[float], many: int) -> float:
    """The shortest time in which there were so many."""
    ordered = sorted(moments)
    return min((last - first for first, last in zip(ordered, ordered[many - 1 :], strict=False)), default=1e9)
