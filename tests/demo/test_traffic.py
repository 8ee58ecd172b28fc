"""The demo's calls of models: as many as said, by the hour, the same again for the same seed."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

import pytest

from agent_observability.demo.gateway import as_json
from agent_observability.demo.models import LINES, PRICES
from agent_observability.demo.traffic import Call, Traffic, load

# A Wednesday's midnight.
DAY = datetime(2026, 11, 18, tzinfo=UTC).timestamp()
HOUR = 3_600.0
_MOST = 100_000


def key(call: Call) -> tuple[str, int, float]:
    return call.line.model, call.number, call.at


def test_the_same_seed_makes_the_same_calls() -> None:
    one, two, other = (Traffic(seed).calls(DAY, DAY + HOUR) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_what_is_over_between_two_moments() -> None:
    traffic = Traffic()
    calls = [call for second in range(600) for call in traffic.calls(DAY + second, DAY + second + 1)]
    assert calls
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert all(DAY <= call.at <= DAY + 600 for call in calls)
    assert len({key(call) for call in calls}) == len(calls)


def test_as_many_as_the_lines_say() -> None:
    """Within four standard deviations, at a load that is known."""
    traffic, seconds, pace = Traffic(3, pace=20.0), 2_000, 20.0
    counts: Counter[str] = Counter()
    for second in range(seconds):
        counts.update(call.line.model for call in traffic.calls(DAY + second, DAY + second + 1))
    for line in LINES:
        expected = sum(line.per_minute * pace / 60 * load(DAY + second + 1) for second in range(seconds))
        assert abs(counts[line.model] - expected) < 4 * math.sqrt(expected), line.model


def test_some_fail_and_cost_nothing() -> None:
    calls = Traffic(4, pace=100.0).calls(DAY + 12 * HOUR, DAY + 12 * HOUR + 60)
    failed = [call for call in calls if call.status != "success"]
    assert 0.01 < len(failed) / len(calls) < 0.06
    assert {call.pico_usd for call in failed} == {0}
    assert all(call.error_type for call in failed)
    assert all(as_json(call).get("error_type") == call.error_type for call in failed)
    assert not any("error_type" in as_json(call) for call in calls if call.status == "success")


def test_days_and_nights() -> None:
    hours = [load(DAY + hour * HOUR) for hour in range(24)]
    assert min(hours) == pytest.approx(0.1, abs=0.02)
    assert max(hours) == pytest.approx(1.0, abs=0.02)
    assert hours.index(max(hours)) in range(12, 16)
    saturday = DAY + 3 * 24 * HOUR
    assert load(saturday + 13 * HOUR) == pytest.approx(0.4 * load(DAY + 13 * HOUR))


def test_the_past_is_the_same_whenever_it_is_told() -> None:
    """A demo that starts again, even days later, tells the past with the same ids and times."""
    now = DAY + 10.5 * HOUR
    first = {key(call): call for call in Traffic().past(now, 3)}
    for later in (now + HOUR, now + 30 * HOUR):
        again = {key(call): call for call in Traffic().past(later, 3)}
        begin = (later // 86_400 - 3) * 86_400
        full = {one: call for one, call in first.items() if begin <= call.at < DAY + 10 * HOUR}
        assert full
        assert full.items() <= again.items()


def test_the_past_begins_with_a_day_and_ends_now() -> None:
    now = DAY + 10.5 * HOUR
    calls = list(Traffic().past(now, 2))
    assert all(DAY - 2 * 24 * HOUR <= call.at <= now for call in calls)
    assert {int(call.at // HOUR) for call in calls} == set(range(int((DAY - 48 * HOUR) // HOUR), int(now // HOUR) + 1))
    assert len({key(call) for call in calls}) == len(calls)


def test_sums_of_the_past_are_no_large_calls() -> None:
    """Prices by the size of a call must not apply to them."""
    calls = list(Traffic().past(DAY + 20 * HOUR, 1))
    assert max(call.input + call.cached for call in calls) <= _MOST
    assert {call.status for call in calls} == {"success"}


def test_numbers_of_the_past_and_the_present_differ() -> None:
    traffic = Traffic()
    past = {call.number for call in traffic.past(DAY + 5 * HOUR, 1)}
    present = {call.number for call in traffic.calls(DAY, DAY + HOUR)}
    assert present
    assert not past & present


def test_dollars_by_hand() -> None:
    """The published dollars per million: 3 in, 0.3 cached, 15 out; 15 for spoken characters; 100 for heard seconds."""
    calls = {call.line.model: call for call in Traffic().past(DAY + 13 * HOUR, 1)}
    sonnet, speech, heard = (calls[model] for model in ("claude-sonnet-4-5", "tts-1", "whisper-1"))
    assert sonnet.pico_usd == sonnet.input * 3_000_000 + sonnet.cached * 300_000 + sonnet.output * 15_000_000
    assert speech.pico_usd == speech.characters * 15_000_000
    assert heard.pico_usd == heard.audio_seconds * 100_000_000
    assert calls["house-coder-70b"].pico_usd == 0
    assert PRICES.keys() == {line.model for line in LINES}
