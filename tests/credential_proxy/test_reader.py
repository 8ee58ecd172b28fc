"""The counting reader: what it hands to the ledger, what it shows and when, and that it goes on where it was."""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from agent_observability.credential_proxy import metrics as m
from agent_observability.credential_proxy.anomalies import CONTAINER_FACT
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.hours import HOUR_FACT
from agent_observability.credential_proxy.reader import LAST_FACT, AuditReader
from agent_observability.credential_proxy.record import Record, Records
from agent_observability.ledger.batch import Count, Event, count, observe
from agent_observability.tail.part import Taken
from tests.credential_proxy.records import HASH, PREFIX, format_a, format_b, format_c, make

NOW = 1_763_028_930.0  # 2025-11-13T10:15:30Z
RECORD = Record(NOW - 1, "github", "clone", "granted", "", "c0ffee123456", 0.002)
Facts = Mapping[tuple[str, str], bytes | None]


@dataclass
class Found:
    counts: Sequence[Count] = ()
    events: Sequence[Event] = ()


@dataclass
class Detector:
    """Remembers what it is told, and finds what it is given."""

    found: Found = field(default_factory=Found)
    seen: list[Record] = field(default_factory=list)
    known: Facts = field(default_factory=dict)
    restored: Mapping[str, bytes] | None = None

    def see(self, records: Records) -> Found:
        self.seen += records
        return self.found

    def facts(self) -> Facts:
        return self.known

    def restore(self, facts: Mapping[str, bytes]) -> None:
        self.restored = facts


class Kept:
    """Facts as a ledger keeps them, and the sums of what was counted."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, bytes]] = {}
        self.sums: Counter[tuple[str, tuple[str, ...], int]] = Counter()

    def load(self, kind: str) -> Mapping[str, bytes]:
        return dict(self.facts.get(kind, {}))

    def commit(self, taken: Taken, facts: Facts) -> None:
        for (kind, key), data in facts.items():
            if data is None:
                self.facts.get(kind, {}).pop(key, None)
            else:
                self.facts.setdefault(kind, {})[key] = data
        self.sums.update(sums(taken.counts))
        taken.committed()


class Bench:
    """A reader with what is around it."""

    def __init__(self, config: CredentialProxyConfig | None = None) -> None:
        self.now = NOW
        self.detector = Detector()
        self.kept = Kept()
        self.delays: list[float] = []
        self.config = config or CredentialProxyConfig()
        self.reader = self.again()

    def again(self) -> AuditReader:
        self.reader = AuditReader(
            self.config,
            self.detector,
            load=self.kept.load,
            delayed=self.delays.extend,
            clock=lambda: self.now,
        )
        self.reader.restore()
        return self.reader

    def take(self, *lines: bytes) -> Taken:
        return self.reader.take("/var/log/audit.log", [line + b"\n" for line in lines])

    def commit(self, taken: Taken) -> Facts:
        """What was remembered with that."""
        facts = self.reader.facts()
        self.kept.commit(taken, facts)
        return facts


def sums(counts: Sequence[Count]) -> Counter[tuple[str, tuple[str, ...], int]]:
    found: Counter[tuple[str, tuple[str, ...], int]] = Counter()
    for one in counts:
        for slot, amount in one.steps:
            found[one.metric.name, one.labels, slot] += amount
    return found


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        (
            RECORD,
            [count(m.REQUESTS, ("github", "clone", "granted")), observe(m.RESPONSE_DURATION, ("github",), 0.002)],
        ),
        (RECORD._replace(duration=None), [count(m.REQUESTS, ("github", "clone", "granted"))]),
        (
            RECORD._replace(duration=0.0),
            [count(m.REQUESTS, ("github", "clone", "granted")), observe(m.RESPONSE_DURATION, ("github",), 0.0)],
        ),
        (
            RECORD._replace(duration=77.0),
            [count(m.REQUESTS, ("github", "clone", "granted")), observe(m.RESPONSE_DURATION, ("github",), 77.0)],
        ),
        (
            RECORD._replace(operation="delete_repo", status="rejected", reason="operation_not_allowed", duration=0.2),
            [
                count(m.REQUESTS, ("github", "other", "rejected")),
                count(m.REJECTIONS, ("github", "operation_not_allowed")),
                observe(m.RESPONSE_DURATION, ("github",), 0.2),
            ],
        ),
        (
            RECORD._replace(service="aws", operation="clone", status="rejected", reason="unknown_service"),
            [
                count(m.REQUESTS, ("other", "other", "rejected")),
                count(m.REJECTIONS, ("other", "unknown_service")),
                observe(m.RESPONSE_DURATION, ("other",), 0.002),
            ],
        ),
        (
            RECORD._replace(status="error", reason="internal_error", duration=None),
            [
                count(m.REQUESTS, ("github", "clone", "error")),
                count(m.REJECTIONS, ("github", "internal_error")),
            ],
        ),
        (
            RECORD._replace(service="anthropic", operation="clone", duration=None),
            [count(m.REQUESTS, ("anthropic", "other", "granted"))],
        ),
    ],
)
def test_what_a_record_counts(record: Record, counts: list[Count]) -> None:
    taken = Bench().take(format_a(record))
    assert (taken.parsed, taken.ignored, taken.malformed, taken.newest) == (1, 0, 0, record.timestamp)
    assert sums(taken.counts) == sums(counts)


def test_counts_are_summed_over_a_chunk() -> None:
    made = list(make(3_000, begin=NOW - 3_600, seconds=3_600))
    bench = Bench()
    taken = bench.take(*(one.line for one in made))
    assert len(taken.counts) == len({(one.metric, one.labels) for one in taken.counts}) < 40
    singles = Counter[tuple[str, tuple[str, ...], int]]()
    for one in made:
        singles += sums(Bench().take(one.line).counts)
    assert +sums(taken.counts) == +singles
    assert bench.detector.seen == [one.record for one in made]


def test_names_that_clients_invent_make_no_series() -> None:
    lines = [format_a(RECORD._replace(service=f"service-{at}", operation=f"operation-{at}")) for at in range(500)]
    taken = Bench().take(*lines)
    assert {one.labels for one in taken.counts} == {("other", "other", "granted"), ("other",)}


def test_lines_that_are_no_records(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    damaged = format_a(RECORD)[:-10]
    with caplog.at_level(logging.WARNING):
        taken = bench.take(b"2025-11-13 10:15:30,123 [INFO] Listening", damaged, b'{"status":"GRANTED"}', damaged)
        assert (taken.parsed, taken.ignored, taken.malformed) == (0, 1, 3)
        assert (taken.newest, list(taken.counts), bench.reader.facts()) == (0.0, [], {})
        assert not bench.detector.seen
        assert not caplog.records
        taken.committed()
        # Not again for a while.
        bench.take(damaged).committed()
    [record] = caplog.records
    text = record.getMessage()
    assert text.startswith("/var/log/audit.log: 3 lines are no records, 2 times: expected one JSON object; 1 times: ")
    assert HASH not in text and PREFIX not in text and "github" not in text


def test_findings_are_committed_with_what_is_counted() -> None:
    bench = Bench()
    anomaly = count(m.ANOMALIES, ("high_request_rate",))
    event = Event(1, "id", "anomaly", ("high_request_rate",), b"{}")
    bench.detector.found = Found([anomaly], [event])
    bench.detector.known = {(CONTAINER_FACT, "c0ffee123456"): b"state"}
    taken = bench.take(format_a(RECORD))
    assert anomaly in taken.counts
    assert list(taken.events) == [event]
    assert bench.commit(taken) == {
        (CONTAINER_FACT, "c0ffee123456"): b"state",
        (LAST_FACT, "newest"): repr(NOW - 1).encode(),
        (HOUR_FACT, str(int(NOW) // 3_600)): b"0 1 0 0",
    }
    bench.again()
    assert bench.detector.restored == {"c0ffee123456": b"state"}


def test_delays_are_those_until_the_commit_and_not_of_history() -> None:
    bench = Bench()
    live = float(bench.config.anomalies.live_within)
    ages = (5.0, live - 1, live, 86_400.0, -3.0)
    taken = bench.take(*(format_a(RECORD._replace(timestamp=NOW - age)) for age in ages))
    assert not bench.delays
    bench.now = NOW + 2
    taken.committed()
    assert bench.delays == [7.0, live + 1, 0.0]


def test_only_what_is_committed_is_shown() -> None:
    bench = Bench()
    assert (bench.reader.last_event, sum(bench.reader.hours().values())) == (0.0, 0)
    taken = bench.take(format_a(RECORD))
    assert (bench.reader.last_event, sum(bench.reader.hours().values())) == (0.0, 0)
    bench.commit(taken)
    assert (bench.reader.last_event, bench.reader.hours()["10"]) == (NOW - 1, 1)
    # An older one that comes late is no newer event.
    late = bench.take(format_a(RECORD._replace(timestamp=NOW - 500)))
    assert (LAST_FACT, "newest") not in bench.commit(late)
    assert (bench.reader.last_event, bench.reader.hours()["10"]) == (NOW - 1, 2)


def test_after_a_failed_commit_all_is_as_before() -> None:
    bench = Bench()
    bench.commit(bench.take(format_a(RECORD)))
    before = copy.deepcopy(bench.kept.facts)
    lost = bench.take(format_a(RECORD._replace(timestamp=NOW)))
    forgotten = bench.reader.facts()
    bench.reader.restore()
    assert (bench.reader.last_event, bench.reader.hours()["10"]) == (NOW - 1, 1)
    again = bench.take(format_a(RECORD._replace(timestamp=NOW)))
    assert (again.counts, bench.reader.facts()) == (lost.counts, forgotten)
    assert bench.kept.facts == before


def test_a_restart_at_any_line_changes_nothing() -> None:
    made = list(make(120, begin=NOW - 7_200, seconds=7_200, writers=(format_a, format_b, format_c)))
    whole = Bench()
    whole.commit(whole.take(*(one.line for one in made)))
    for cut in range(1, len(made)):
        bench = Bench()
        bench.commit(bench.take(*(one.line for one in made[:cut])))
        bench.again()
        bench.commit(bench.take(*(one.line for one in made[cut:])))
        assert bench.kept.sums == whole.kept.sums
        assert bench.kept.facts == whole.kept.facts
        assert bench.reader.hours() == whole.reader.hours()
        assert bench.reader.last_event == whole.reader.last_event == made[-1].record.timestamp


def test_a_changed_configuration() -> None:
    bench = Bench()
    bench.commit(bench.take(format_a(RECORD)))
    bench.config = CredentialProxyConfig(services={"aws": ["read"]}, time_zone="Asia/Kolkata")
    bench.again()
    assert bench.reader.hours()["15"] == 1
    taken = bench.take(format_a(RECORD), format_a(RECORD._replace(service="aws", operation="read")))
    assert {one.labels for one in taken.counts} == {
        *(("other", "other", "granted"), ("aws", "read", "granted")),
        *(("other",), ("aws",)),
    }


def test_ambiguous_times_after_a_restart() -> None:
    # Clocks in Berlin went back at this time; 02:30 is read half an hour after it, not before.
    back = 1_761_440_400.0
    bench = Bench(CredentialProxyConfig(time_zone="Europe/Berlin"))
    bench.commit(bench.take(format_a(RECORD._replace(timestamp=back + 1_700))))
    bench.again()
    bench.take(b'{"timestamp":"2025-10-26T02:30:00","service":"github","operation":"read","status":"GRANTED"}')
    assert bench.detector.seen[-1].timestamp == back + 1_800


@pytest.mark.parametrize(("ahead", "seen"), [(90_000, 0), (80_000, 80_000)])
def test_a_record_ahead_of_the_clock_is_no_news_from_the_future(ahead: float, seen: float) -> None:
    """Else a log would not be silent for as long. Far ahead it is one of now."""
    bench = Bench()
    taken = bench.take(format_a(RECORD._replace(timestamp=NOW + ahead)))
    assert (taken.parsed, taken.newest) == (1, NOW)
    assert bench.detector.seen[0].timestamp == NOW + seen
    bench.commit(taken)
    assert bench.reader.last_event == NOW
