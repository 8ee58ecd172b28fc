"""What is said of an anomaly: one line of the log, one event, the evidence, and nothing else."""

from __future__ import annotations

import logging

import msgspec
import pytest

from agent_observability.credential_proxy.anomalies.names import Vocabulary, name, tally
from agent_observability.credential_proxy.record import Record
from tests.credential_proxy.anomalies.asking import NOW, Watching, asked, evidence, refused

RATE = [asked(0), asked(1, operation="clone"), asked(2, service="anthropic", operation="api_call")]
RATE += [asked(3 + at, operation="delete_repo") for at in range(8)]
SCAN = [asked(at, service=f"cloud{at}", status="rejected", reason="unknown_service") for at in range(7)]

CASES = [
    (
        "high_request_rate",
        RATE,
        {
            "requests": 11,
            "seconds": 10.0,
            "limit": 10,
            "services": {"github": 10, "anthropic": 1},
            "operations": {"github/read": 1, "github/clone": 1, "anthropic/api_call": 1, "github/other": 8},
        },
    ),
    (
        "repeated_rejections",
        [refused(10 * at, reason="resource_not_allowed" if at % 2 else "operation_not_allowed") for at in range(6)],
        {
            "rejections": 6,
            "seconds": 50.0,
            "limit": 5,
            "reasons": {"operation_not_allowed": 3, "resource_not_allowed": 3},
            "services": {"github": 6},
            "operations": {"github/delete": 6},
        },
    ),
    (
        "unknown_service",
        SCAN,
        {
            "requests": 7,
            "statuses": {"rejected": 7},
            "services": {"cloud0": 1, "cloud1": 1, "cloud2": 1, "cloud3": 1, "cloud4": 1, "other": 2},
            "operations": {
                "cloud0/read": 1,
                "cloud1/read": 1,
                "cloud2/read": 1,
                "cloud3/read": 1,
                "cloud4/read": 1,
                "other": 2,
            },
        },
    ),
]


@pytest.mark.parametrize(("type_", "records", "expected"), CASES, ids=[case[0] for case in CASES])
def test_evidence(type_: str, records: list[Record], expected: dict[str, object]) -> None:
    watching = Watching()
    watching.now = NOW + 60
    findings = watching.find(records)
    at = [event.labels for event in findings.events].index((type_,))
    assert evidence(findings)[at] == expected


def test_it_is_the_same_after_a_restart_in_the_middle() -> None:
    type_, records, expected = CASES[0]
    watching = Watching()
    watching.each(*records[:-1])
    watching.restart()
    assert evidence(watching.find(records[-1:])) == [expected], type_


def test_an_event_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching()
    findings = watching.find([asked(1.2345, service="aws")])
    (event,) = findings.events
    told = {
        "type": "unknown_service",
        "container": "one",
        "project": "demo",
        "since": "2026-09-21T14:15:01.234Z",
        "replayed": False,
        "evidence": {
            "requests": 1,
            "statuses": {"granted": 1},
            "services": {"aws": 1},
            "operations": {"aws/read": 1},
        },
    }
    assert msgspec.json.decode(event.data) == told
    moment = round((NOW + 1.2345) * 1000)
    assert event[:4] == (moment, f"unknown_service:one:{moment}", "anomaly", ("unknown_service",))
    (line,) = caplog.records
    assert (line.name, line.levelname) == ("agent_observability.credential_proxy.anomalies", "WARNING")
    message = line.getMessage()
    assert message.startswith("anomaly ") and msgspec.json.decode(message.removeprefix("anomaly ")) == told


def test_history_is_told_quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watching = Watching()
    watching.see(asked(0, service="aws"), now=700)
    (line,) = caplog.records
    assert line.levelname == "INFO" and line.getMessage().startswith('past anomaly {"type":"unknown_service"')
    assert '"replayed":true' in line.getMessage()


def test_lines_are_bounded_and_what_is_left_out_is_said(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching()
    findings = watching.find([asked(at / 1000, f"c{at}", service="aws") for at in range(150)])
    assert len(findings.events) == 150
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 101
    assert caplog.messages[-1] == "too many anomalies to log each: 50 more, which the ledger has as events"
    caplog.clear()
    watching.see(asked(0.5, "later", service="aws"))
    assert caplog.messages == ["too many anomalies to log each: 1 more, which the ledger has as events"]
    caplog.clear()
    watching.see(asked(61, "next", service="aws"))
    assert len(caplog.messages) == 1 and '"container":"next"' in caplog.messages[0]


HOSTILE = [
    ("aws", "aws"),
    ("a\nb\x1b[31m\0", "a b [31m "),
    ("x" * 41, "x" * 40 + "…"),
    ("\ud800", " "),
    ('quote"', 'quote"'),
    ("", ""),
]


@pytest.mark.parametrize(("said", "shown"), HOSTILE)
def test_what_clients_say_is_shown_on_one_line_and_cut(said: str, shown: str, caplog: pytest.LogCaptureFixture) -> None:
    assert name(said) == shown
    watching = Watching()
    records = [asked(at, service="aws", operation=said, status="rejected") for at in range(6)]
    watching.find([*records, asked(7, said, service=said)])
    assert all(len(message) < 700 and message.isprintable() for message in caplog.messages)


def test_few_names_are_told() -> None:
    assert tally("aabacdefgaz") == {"a": 4, "b": 1, "c": 1, "d": 1, "e": 1, "other": 3}
    assert tally([]) == {}


def test_a_vocabulary_numbers_services_and_operations() -> None:
    words = Vocabulary({"github": ["read", "clone"], "anthropic": []})
    assert words.services == {"anthropic": {"": 1}, "github": {"": 2, "clone": 3, "read": 4}}
    assert [words[at] for at in range(len(words))] == [
        ("other", "other"),
        ("anthropic", "other"),
        ("github", "other"),
        ("github", "clone"),
        ("github", "read"),
    ]
    assert Vocabulary({"github": ["clone", "read"], "anthropic": []}).digest == words.digest
    assert Vocabulary({"github": ["clone"], "anthropic": []}).digest != words.digest
    assert Vocabulary(["github"]).services == {"github": {"": 1}}
    many = Vocabulary({"big": [f"o{at}" for at in range(70_000)]})
    assert len(many) == 65_536 and max(many.services["big"].values()) == 65_535
