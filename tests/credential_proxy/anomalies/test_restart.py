"""What is found does not depend on when the exporter was stopped and started again, nor on how the log was cut."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.credential_proxy.anomalies import Detector
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.record import Record, Records
from tests.credential_proxy.anomalies.asking import NOW, SERVICES, Watching, asked, every, refused
from tests.credential_proxy.day import BEGIN, Day, simulate
from tests.credential_proxy.day import SERVICES as OF_THE_DAY
from tests.support import examples

UNKNOWN = "unknown_service"

gaps = st.one_of(st.floats(0, 8), st.floats(0, 200), st.sampled_from([6.0, 60.0, 300.0, 900.0, 4_000.0]))
kinds = st.sampled_from(
    [
        ("github", "granted", ""),
        ("anthropic", "granted", ""),
        ("github", "rejected", "operation_not_allowed"),
        ("aws", "rejected", "unknown_service"),
    ]
)


@st.composite
def logs(draw: st.DrawFn, names: int) -> list[list[Record]]:
    """Records of some containers, in pieces."""
    pieces: list[list[Record]] = [[]]
    moment = 0.0
    steps = st.tuples(gaps, st.sampled_from([0.0, 0.0, 30.0, 60.0]), st.integers(1, names), kinds, st.booleans())
    for gap, late, name, (service, status, reason), cut in draw(st.lists(steps, max_size=80)):
        moment += gap
        pieces[-1].append(asked(moment - late, f"c{name}", service, "read", status, reason))
        if cut:
            pieces.append([])
    return pieces


def events(watching: Watching, records: list[Record], now: float) -> list[tuple[object, ...]]:
    """What is told of, without what an unknown service is told with: that is as much as was read with it."""
    watching.now = now
    findings = watching.find(records)
    watching.commit(findings)
    told = []
    for event in findings.events:
        data = msgspec.json.decode(event.data)
        if event.labels == (UNKNOWN,):
            data["evidence"] = None
        told.append((event.timestamp, event.id, event.kind, event.labels, data))
    return told


@pytest.mark.parametrize("most", [2, 5_000])
@given(data=st.data())
@settings(max_examples=examples(100))
def test_a_run_that_is_cut_and_restored_finds_the_same(most: int, data: st.DataObject) -> None:
    config = AnomaliesConfig(
        requests_per_minute=3, rejections=2, rejections_within=300, live_within=2_000, containers=most
    )
    pieces = data.draw(logs(4))
    cut, whole = Watching(config), Watching(config)
    now = NOW + 2_500
    for piece in pieces:
        assert events(cut, piece, now) == events(whole, piece, now)
        assert cut.facts == whole.facts and len(whole.facts) <= most
        cut.restart()
        assert cut.detector.shown() == whole.detector.shown()
        assert cut.detector.active_containers() == whole.detector.active_containers()
    assert cut.counts == whole.counts
    together = Watching(config)
    found = events(together, [record for piece in pieces for record in piece], now)
    assert len(found) == sum(many for (name, *_), many in whole.counts.items() if name.endswith("anomalies_total"))
    assert {key: many for key, many in together.counts.items() if many} == whole.counts
    assert together.facts == whole.facts


@pytest.fixture(scope="module")
def day() -> Day:
    return simulate(7, honest=40, each=1)


@pytest.mark.parametrize("together", [97, 1_000])
def test_a_day_with_a_restart_after_every_chunk(day: Day, together: int) -> None:
    cut, whole = Watching(services=OF_THE_DAY), Watching(services=OF_THE_DAY)
    attack = min(attack.begin for attack in day.attacks)
    assert attack > BEGIN
    records = [record for record in day.records if record.timestamp < attack + 6 * 3_600]
    found = 0
    for first in range(0, len(records), together):
        piece = records[first : first + together]
        told = events(whole, piece, piece[-1].timestamp)
        assert events(cut, piece, piece[-1].timestamp) == told
        found += len(told)
        cut.restart()
    assert cut.facts == whole.facts
    assert found >= 3


def test_a_commit_that_failed_is_made_up_for() -> None:
    """What was seen and not committed is seen again, with the same ids; its lines are logged once."""
    watching = Watching()
    watching.see(*[asked(at) for at in every(1, 8)])
    lost = watching.find([asked(at) for at in every(1, 8, 8)])
    watching.detector.restore(watching.facts)
    again = watching.find([asked(at) for at in every(1, 8, 8)])
    assert again == lost and len(lost.events) == 1


def test_what_nobody_has_begun_goes_on_after_a_restart() -> None:
    def nameless(seconds: float) -> Record:
        return asked(seconds, "", service="aws")

    watching = Watching()
    assert watching.see(nameless(0)) == [("unknown_service", "unknown", 0)]
    assert set(watching.facts) == {"unknown"}
    for seconds in (300, 800, 1_500):
        watching.restart()
        assert watching.see(nameless(seconds)) == []
    # It is over a quarter of an hour after its last sign.
    watching.restart()
    assert watching.see(nameless(2_401)) == [("unknown_service", "unknown", 2_401)]


def test_what_is_logged_once_is_not_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching()
    for _ in range(3):
        watching.find([asked(0, service="aws")])
        watching.detector.restore(watching.facts)
    assert len(caplog.records) == 1


def packed() -> bytes:
    watching = Watching()
    watching.see(*[refused(5 * at) for at in range(20)], asked(100, service="aws"))
    return watching.facts["one"]


@given(st.one_of(st.binary(max_size=300), st.integers(0, 400).map(lambda at: packed()[:at])))
@settings(max_examples=examples(100))
def test_facts_that_cannot_be_read_are_passed_over(data: bytes) -> None:
    watching = Watching()
    watching.see(asked(0, "two", service="aws"))
    watching.facts["one"] = data
    watching.restart()
    assert watching.active()[UNKNOWN] >= 1
    watching.see(*[asked(at) for at in range(12)])
    assert watching.detector.busiest(2)[0][0] == "one"


@given(st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=examples(100))
def test_facts_with_a_byte_wrong_do_no_harm(at: int, byte: int) -> None:
    data = bytearray(packed())
    data[at % len(data)] = byte
    watching = Watching()
    watching.facts["one"] = bytes(data)
    watching.restart()
    watching.see(*[asked(seconds) for seconds in range(12)])
    watching.detector.shown(), watching.detector.busiest(5)
    watching.restart()


def test_it_is_said_that_facts_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching()
    watching.facts = {"one": b"", "two": b"\x07" + packed()[1:], "three": packed()}
    watching.restart()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"][-1] == (
        "containers whose past cannot be read begin anew, 2 of 3: a container's state is of version 7, expected 1"
    )


def test_other_limits_take_over_what_is_known() -> None:
    watching = Watching(AnomaliesConfig(requests_per_minute=100, rejections=100))
    watching.see(*[refused(at / 10) for at in range(50)])
    watching.config = AnomaliesConfig(requests_per_minute=10, rejections=5)
    watching.restart()
    assert sorted(one[:2] for one in watching.see(refused(6))) == [
        ("high_request_rate", "one"),
        ("repeated_rejections", "one"),
    ]


def test_other_services_make_former_requests_nameless() -> None:
    watching = Watching()
    watching.see(*[asked(at) for at in range(9)])
    watching.services = {"github": ["clone"], "gitlab": ["read"]}
    watching.restart()
    findings = watching.find([asked(9), asked(10, operation="clone")])
    assert msgspec.json.decode(findings.events[0].data)["evidence"]["operations"] == {
        "other/other": 9,
        "github/other": 1,
        "github/clone": 1,
    }


def test_facts_of_long_ago_and_of_too_many_are_left_out() -> None:
    watching = Watching()
    watching.see(asked(-100_000, "old"), *[asked(at, f"c{at}") for at in range(5)])
    old = dict(watching.facts)
    watching.config = AnomaliesConfig(containers=3)
    watching.restart()
    watching.now = NOW + 10
    assert watching.detector.active_containers() == 3
    detector = Detector(AnomaliesConfig(), SERVICES, "demo", clock=lambda: NOW + 10)
    detector.restore(old)
    # The one of long ago makes no room, for it takes none.
    detector.see(Records())
    assert detector.facts() == {}
    assert detector.active_containers() == 5
