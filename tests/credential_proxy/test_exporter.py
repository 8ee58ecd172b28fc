"""Lines of the audit log in, exposition out: every format, what else is in a log, attacks, and restarts."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agent_observability.credential_proxy.config import ProbesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES, CREDENTIAL_PROXY_METRICS, REASONS, STATUSES
from agent_observability.suite import SUITE_METRICS
from tests.credential_proxy.living import Living, asked, living
from tests.support import wait_until_async

_COUNTERS = ("credential_proxy_requests_total", "credential_proxy_rejections_total")
CONTAINER = "c0ffee000001"


def inside(at: float, service: str, operation: str, status: str, error: str = "", pid: int = 99) -> str:
    """A line of a logger with the record inside it, in UTC."""
    naive = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    record = {
        "timestamp": naive.isoformat(),
        "service": service,
        "operation": operation,
        "status": status,
        "requester_pid": pid,
        "error": error or None,
    }
    stamp = f"{naive:%Y-%m-%d %H:%M:%S},{naive.microsecond // 1000:03}"
    return f"{stamp} [INFO] Credential request: {json.dumps(record)}"


def flat(at: float, service: str, operation: str, status: str) -> str:
    """The same object on a line of its own, without an error."""
    record: dict[str, Any] = json.loads(inside(at, service, operation, status).partition("request: ")[2])
    del record["error"]
    return json.dumps(record)


def requests(service: str, operation: str, status: str) -> str:
    return f'credential_proxy_requests_total{{target_service="{service}",operation="{operation}",status="{status}"}}'


def rejections(service: str, reason: str) -> str:
    return f'credential_proxy_rejections_total{{target_service="{service}",reason="{reason}"}}'


def lines_of(result: str) -> str:
    return f'agent_obs_tail_lines_total{{source="audit",result="{result}"}}'


NOW = time.time() - 5


@pytest.mark.parametrize(
    ("line", "result", "expected"),
    [
        (asked(NOW), "parsed", [requests("github", "clone", "granted")]),
        (asked(NOW, "anthropic", "api_call"), "parsed", [requests("anthropic", "api_call", "granted")]),
        (
            asked(NOW, "aws", "assume_role", "REJECTED", reason="Unknown service: aws"),
            "parsed",
            [requests("other", "other", "rejected"), rejections("other", "unknown_service")],
        ),
        (
            asked(NOW, "github", "delete", "REJECTED", reason="Operation not allowed: delete"),
            "parsed",
            [requests("github", "other", "rejected"), rejections("github", "operation_not_allowed")],
        ),
        (
            asked(NOW, "github", "push", "REJECTED", reason="RATE_LIMIT_EXCEEDED"),
            "parsed",
            [requests("github", "push", "rejected"), rejections("github", "rate_limit_exceeded")],
        ),
        (
            asked(NOW, "github", "push", "REJECTED", reason="Because of the weather"),
            "parsed",
            [requests("github", "push", "rejected"), rejections("github", "other")],
        ),
        (
            asked(NOW, "github", "read", "ERROR"),
            "parsed",
            [requests("github", "read", "error"), rejections("github", "internal_error")],
        ),
        (inside(NOW, "github", "pull", "GRANTED"), "parsed", [requests("github", "pull", "granted")]),
        (
            inside(NOW, "github", "pull", "REJECTED", "Rate limit exceeded: 60 per minute"),
            "parsed",
            [requests("github", "pull", "rejected"), rejections("github", "rate_limit_exceeded")],
        ),
        (
            inside(NOW, "anthropic", "api_call", "FAILED_TO_RETRIEVE", "no answer"),
            "parsed",
            [requests("anthropic", "api_call", "error"), rejections("anthropic", "internal_error")],
        ),
        (flat(NOW, "github", "comment", "GRANTED"), "parsed", [requests("github", "comment", "granted")]),
        (
            flat(NOW, "github", "comment", "FAILED_TO_RETRIEVE"),
            "parsed",
            [requests("github", "comment", "error"), rejections("github", "internal_error")],
        ),
        (asked(NOW, more={"event_type": "service_started"}), "ignored", []),
        ("2025-11-13 10:15:30,123 [INFO] Listening on /run/proxy.sock", "ignored", []),
        ('{"version": "1.0", "timest', "malformed", []),
        ("[1, 2, 3]", "malformed", []),
    ],
)
async def test_lines(line: str, result: str, expected: list[str], tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        it.write(line)
        await it.read(1)
        found = await it.values(*_COUNTERS, "agent_obs_tail_lines_total")
        assert found == dict.fromkeys([*expected, lines_of(result)], 1.0)


async def test_all_formats_in_one_log(tmp_path: Path) -> None:
    """And what is not UTF-8, empty or cut off between them."""
    now = time.time() - 5
    async with living(tmp_path) as it:
        it.write(
            asked(now - 30, milliseconds=2),
            inside(now - 20, "github", "clone", "GRANTED"),
            flat(now - 10, "github", "clone", "GRANTED"),
            b'{"\xff\xfe": \x00',
            asked(now, milliseconds=30),
        )
        await it.read(5)
        assert await it.values(*_COUNTERS, "agent_obs_tail_lines_total") == {
            requests("github", "clone", "granted"): 4,
            lines_of("parsed"): 4,
            lines_of("malformed"): 1,
        }
        duration = "credential_proxy_response_duration_seconds"
        found = await it.values(duration)
        assert found[f'{duration}_count{{target_service="github"}}'] == 2
        assert found[f'{duration}_sum{{target_service="github"}}'] == 0.032
        assert found[f'{duration}_bucket{{target_service="github",le="0.0025"}}'] == 1
        assert await it.value("credential_proxy_last_event_timestamp_seconds") == pytest.approx(now, abs=1e-5)
        assert await it.value("credential_proxy_audit_log_size_bytes") == it.log.stat().st_size
        delays = await it.values("agent_obs_event_delay_seconds_count")
        assert delays == {'agent_obs_event_delay_seconds_count{source="audit"}': 4}


async def test_everything_is_born_at_0(tmp_path: Path) -> None:
    """Also before there is a log, so that the first of each shows as an increase."""
    async with living(tmp_path, services={"github": ["clone"], "vault": []}) as it:
        lines = await it.scrape("credential_proxy_", "agent_obs_tail", "agent_obs_event_delay_seconds_count")
        born = {name for name, value in (line.rsplit(" ", 1) for line in lines) if float(value) == 0}
        pairs = (("github", "clone"), ("github", "other"), ("vault", "other"), ("other", "other"))
        wanted = {requests(service, operation, status) for service, operation in pairs for status in STATUSES}
        wanted |= {rejections(service, reason) for service in ("github", "vault", "other") for reason in REASONS}
        for name in ("anomalies_total", "replayed_anomalies_total", "anomaly_active"):
            wanted |= {f'credential_proxy_{name}{{type="{type_}"}}' for type_ in ANOMALY_TYPES}
        wanted |= {f'credential_proxy_hour_of_day_requests{{hour="{hour:02}"}}' for hour in range(24)}
        wanted |= {lines_of(result) for result in ("parsed", "ignored", "malformed", "oversize")}
        wanted |= {f'agent_obs_tail_rotations_total{{source="audit",kind="{kind}"}}' for kind in ("rename", "truncate")}
        wanted |= {
            'agent_obs_tail_lost_bytes_total{source="audit"}',
            'agent_obs_event_delay_seconds_count{source="audit"}',
            "credential_proxy_active_containers",
            "credential_proxy_containers_evicted_total",
            "credential_proxy_audit_log_size_bytes",
        }
        assert wanted <= born
        assert {name for name in born if name.startswith("credential_proxy_requests")} <= wanted
        assert not [line for line in lines if line.startswith(("credential_proxy_last_event", "credential_proxy_up"))]


async def attack(it: Living) -> None:
    """Three attackers, and somebody honest: 11 requests in a minute, a strange service, 6 rejections."""
    now = time.time()
    it.write(*(asked(now - 11 + n, container="aaaaaaaaaaaa") for n in range(11)))
    it.write(asked(now, "vault", "read", "REJECTED", container="bbbbbbbbbbbb", reason="Unknown service: vault"))
    reason = "Operation not allowed: admin"
    times = [now - 500 + 80 * n for n in range(6)]
    it.write(*(asked(at, "github", "admin", "REJECTED", container="dddddddddddd", reason=reason) for at in times))
    it.write(*(asked(now - n, container=CONTAINER) for n in range(3)))
    await it.read(21)


ATTACKS = {
    "high_request_rate": "aaaaaaaaaaaa",
    "unknown_service": "bbbbbbbbbbbb",
    "repeated_rejections": "dddddddddddd",
}


def named(metric: str, value: float) -> dict[str, float]:
    """Each attacker's series."""
    return {
        f'{metric}{{type="{type_}",container_id="{container}",project="sandbox"}}': value
        for type_, container in ATTACKS.items()
    }


async def test_attacks(tmp_path: Path) -> None:
    async with living(tmp_path, project="sandbox") as it:
        await attack(it)
        assert await it.values("credential_proxy_anomal", "credential_proxy_replayed") == {
            **{f'credential_proxy_anomalies_total{{type="{type_}"}}': 1 for type_ in ATTACKS},
            **{f'credential_proxy_anomaly_active{{type="{type_}"}}': 1 for type_ in ATTACKS},
            **named("credential_proxy_anomaly_info", 1),
        }
        assert await it.values("credential_proxy_container_anomaly") == named(
            "credential_proxy_container_anomaly_active", 1
        )
        noisy = await it.values("credential_proxy_container_requests_last_minute", "credential_proxy_active")
        assert noisy == {
            'credential_proxy_container_requests_last_minute{container_id="aaaaaaaaaaaa"}': 11,
            'credential_proxy_container_requests_last_minute{container_id="bbbbbbbbbbbb"}': 1,
            f'credential_proxy_container_requests_last_minute{{container_id="{CONTAINER}"}}': 3,
            "credential_proxy_active_containers": 4,
        }
        assert sum((await it.values("credential_proxy_hour_of_day_requests")).values()) == 21


async def test_attacks_that_are_over(tmp_path: Path) -> None:
    """They are named for half an hour after their last sign, and said to be over."""
    turned = 0.0
    async with living(tmp_path, project="sandbox", clock=lambda: time.time() + turned) as it:
        await attack(it)
        going_on = named("credential_proxy_container_anomaly_active", 1)
        assert await it.values("credential_proxy_container_anomaly") == going_on
        turned = 1_000.0
        over = await it.scrape("credential_proxy_container_anomaly")
        assert sorted(over) == sorted(f"{name} 0" for name in going_on)
        assert await it.values("credential_proxy_anomaly_active") == {}
        assert await it.values("credential_proxy_anomaly_info") == named("credential_proxy_anomaly_info", 1)
        turned = 1_900.0
        assert await it.scrape("credential_proxy_container_anomaly", "credential_proxy_anomaly_info") == []


async def test_history_raises_no_alert(tmp_path: Path) -> None:
    """A log of yesterday, read for the first time."""
    async with living(tmp_path) as it:
        it.write(*(asked(time.time() - 86_400 + n, container="aaaaaaaaaaaa") for n in range(30)))
        await it.read(30)
        assert await it.values("credential_proxy_anomal", "credential_proxy_replayed") == {
            'credential_proxy_replayed_anomalies_total{type="high_request_rate"}': 1
        }
        assert await it.values("agent_obs_event_delay_seconds_count") == {}
        assert sum((await it.values("credential_proxy_hour_of_day_requests")).values()) == 30


async def test_a_restart_changes_no_figure(tmp_path: Path) -> None:
    """Counters go on, and so do anomalies, which do not begin a second time."""
    names = ("credential_proxy_", "agent_obs_tail_lines", "agent_obs_tail_last_event")
    now = time.time()
    async with living(tmp_path, clock=lambda: now) as it:
        await attack(it)
        while await it.value('agent_obs_tail_last_event_timestamp_seconds{source="audit"}') is None:
            pass
        before = await it.values(*names)
    async with living(tmp_path, clock=lambda: now) as it:
        await wait_until_async(lambda: it.runtime.shown)
        assert await it.values(*names) == before
        it.write(*(asked(now + n / 10, container="aaaaaaaaaaaa") for n in range(3)))
        await it.read(24)
        anomalies = await it.values("credential_proxy_anomalies_total")
        assert anomalies == {f'credential_proxy_anomalies_total{{type="{type_}"}}': 1 for type_ in ATTACKS}
        assert await it.value(requests("github", "clone", "granted")) == 17


async def test_what_was_written_while_nobody_read(tmp_path: Path) -> None:
    """The log was rotated twice besides."""
    lines = [asked(NOW + n / 1_000, container=f"{n:012x}") for n in range(23)]
    async with living(tmp_path) as it:
        it.write(*lines[:10])
        await it.read(10)
    it.write(*lines[10:17])
    it.log.rename(tmp_path / "audit.log.2")
    it.write(*lines[17:22])
    it.log.rename(tmp_path / "audit.log.1")
    it.write(*lines[22:])
    async with living(tmp_path) as it:
        await it.read(23)
        assert await it.values(*_COUNTERS) == {requests("github", "clone", "granted"): 23}


async def test_no_credential_material_comes_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in an exposition, nor on the landing page, nor in the log, nor in the ledger's file."""
    caplog.set_level("DEBUG")
    marks = ("MARKPREFIX", "MARKHASH")
    credential = {"credential": {"type": "token", "format": "opaque", "prefix": marks[0], "value_hash": marks[1]}}
    async with living(tmp_path) as it:
        it.write(*(asked(time.time() - 5, more=credential) for _ in range(20)))
        it.write(f'{{"event_type": "credential_request", "prefix": "{marks[0]}", "value_hash": "{marks[1]}"')
        await it.read(21)
        text = await it.text()
        async with it.session.get(f"{it.url}/") as response:
            page = await response.text()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert b"c0ffee000001" in stored
    for mark in marks:
        assert mark not in text + page + caplog.text
        assert mark.encode() not in stored


async def test_what_containers_are_called_is_text(tmp_path: Path) -> None:
    """Names that a container gives itself cannot break an exposition."""
    names = ['a"b', "a\\b", "a\nb", "{}", "é" * 200, "\x00", "x" * 5_000, " "]
    async with living(tmp_path) as it:
        for name in names:
            it.write(*(asked(time.time() - 5 + n / 10, "vault", "x", "REJECTED", container=name) for n in range(20)))
        await it.read(20 * len(names))
        text = await it.text("application/openmetrics-text; version=1.0.0")
        infos = [family for family in text_string_to_metric_families(text) if family.name.endswith("anomaly")]
        assert len([sample for family in infos for sample in family.samples]) > len(names)
        assert max(map(len, text.splitlines())) < 2_000


async def test_the_exposition_is_in_order(tmp_path: Path) -> None:
    """promtool and a strict parser have nothing to say, and every family that was declared is there."""
    targets = {"a": f"unix://{tmp_path / 'none.sock'}"}
    async with living(tmp_path, probes=ProbesConfig(targets=targets)) as it:
        await attack(it)
        await wait_until_async(lambda: it.runtime.sources()[-1].detail.endswith("mounted here"))
        await it.shown()
        openmetrics = await it.text("application/openmetrics-text; version=1.0.0")
        families = {family.name for family in text_string_to_metric_families(openmetrics)}
        assert {metric.family for metric in CREDENTIAL_PROXY_METRICS} <= families
        declared = {metric.family for metric in (*CREDENTIAL_PROXY_METRICS, *SUITE_METRICS)}
        assert families <= declared
        text = await it.text()
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    result = subprocess.run(
        ["promtool", "check", "metrics"], check=False, input=text, capture_output=True, text=True, timeout=30
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
