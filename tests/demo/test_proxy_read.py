"""The demo's credential proxy, read by the exporter's own reader and detector: all that was written, and no more."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_observability.credential_proxy.anomalies.detector import Detector
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.metrics import (
    ANOMALIES,
    REJECTIONS,
    REPLAYED_ANOMALIES,
    REQUESTS,
    RESPONSE_DURATION,
)
from agent_observability.credential_proxy.reader import AuditReader
from agent_observability.demo.proxy import CredentialProxy
from agent_observability.demo.proxy_attacks import KINDS
from agent_observability.metric import Metric

NOW = datetime(2026, 11, 18, 13, 30, tzinfo=UTC).timestamp()
_FILES = ("audit.log", "audit-legacy.log")


class Reading:
    """A proxy and its reader by one clock. `begun` are live anomalies: type and container."""

    def __init__(self, folder: Path, **settings: bool) -> None:
        self.now = NOW
        self.proxy = CredentialProxy(folder, folder / "p.sock", clock=lambda: self.now, rotate=1e9, **settings)  # type: ignore[arg-type]
        self.proxy.begin()
        config = CredentialProxyConfig()
        detector = Detector(config.anomalies, config.services, "", clock=lambda: self.now)
        self._reader = AuditReader(config, detector, load=lambda _: {}, delayed=lambda _: None, clock=lambda: self.now)
        self._reader.restore()
        self._streams = [(folder / name).open("rb") for name in _FILES]
        self.sums: dict[Metric, Counter[tuple[str, ...]]] = {
            metric: Counter() for metric in (REQUESTS, REJECTIONS, RESPONSE_DURATION, ANOMALIES, REPLAYED_ANOMALIES)
        }
        self.seconds: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.begun: list[tuple[str, str]] = []

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.proxy.tick()
            self.read()

    def read(self) -> None:
        for stream in self._streams:
            if not (lines := stream.readlines()):
                continue
            taken = self._reader.take(stream.name, lines)
            self.lines += Counter(parsed=taken.parsed, ignored=taken.ignored, malformed=taken.malformed)
            for one in taken.counts:
                if one.metric is RESPONSE_DURATION:
                    slots = dict(one.steps)
                    total = len(RESPONSE_DURATION.buckets) + 1
                    self.seconds[one.labels[0]] += slots.pop(total, 0)
                    self.sums[one.metric][one.labels] += sum(slots.values())
                elif one.metric in self.sums:
                    self.sums[one.metric][one.labels] += sum(amount for _, amount in one.steps)
            for event in taken.events:
                told = json.loads(event.data)
                if not told["replayed"]:
                    self.begun.append((told["type"], told["container"]))

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path, attacks=False)


async def test_it_is_counted_as_it_was_written(reading: Reading) -> None:
    reading.read()
    reading.proxy.attack("scan")
    reading.run(3_600)
    await reading.proxy.stop()
    reading.close()
    truth = reading.proxy.truth
    assert reading.sums[REQUESTS] == truth.requests
    assert reading.sums[REJECTIONS] == truth.rejections
    assert {service: number for (service,), number in reading.sums[RESPONSE_DURATION].items()} == truth.answers
    assert reading.seconds == {service: 1000 * number for service, number in truth.milliseconds.items()}
    assert reading.lines == Counter(parsed=truth.parsed, ignored=truth.ignored)


async def test_neither_the_past_nor_honest_work_raises_an_anomaly(reading: Reading) -> None:
    reading.read()
    assert reading.lines["parsed"] > 300
    reading.run(4 * 3_600)
    await reading.proxy.stop()
    reading.close()
    assert (reading.begun, reading.sums[ANOMALIES], reading.sums[REPLAYED_ANOMALIES]) == ([], {}, {})


@pytest.mark.parametrize("kind", KINDS)
async def test_an_attack_raises_what_is_expected_of_it_and_nothing_else(reading: Reading, kind: str) -> None:
    reading.read()
    reading.run(600)
    attack = reading.proxy.attack(kind)
    expected = {(one.type, attack.container) for one in attack.expected}
    reading.run(round(attack.seconds) + 60)
    await reading.proxy.stop()
    reading.close()
    assert attack.over
    assert set(reading.begun) == expected
    assert len(reading.begun) == len(expected)
