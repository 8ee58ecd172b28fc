"""`agent-obs drill`: the whole way of an alert, and everything that may go wrong on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp.test_utils import TestServer

from agent_observability.errors import StartError
from agent_observability.resources import resource
from agent_observability.stack import drill as module
from agent_observability.stack import holds
from agent_observability.stack.drills import DRILLS, chosen_drills
from agent_observability.stack.identity import ProcessIdentity, identify
from agent_observability.stack.notifications import NotificationStore
from agent_observability.stack.receiver import receiver_app
from agent_observability.stack.record import RunRecord, write_record
from agent_observability.stack.state import StateDirectory
from tests.stack.local import COMMAND, LocalStack
from tests.stack.prometheus import SCRAPED, FakePrometheus, group
from tests.support import Child, wait_until

ALERT = DRILLS[0].alert


@pytest.mark.parametrize(("alerts", "expected"), [([], [ALERT]), ([ALERT], [ALERT]), ([ALERT, ALERT], [ALERT])])
def test_chosen_drills(alerts: list[str], expected: list[str]) -> None:
    assert [one.alert for one in chosen_drills(alerts)] == expected


def test_an_alert_without_a_drill_names_those_that_have_one() -> None:
    with pytest.raises(StartError, match=f"no drill for Nope, HostCpuHigh; there are drills for: {ALERT}"):
        chosen_drills(["Nope", ALERT, "HostCpuHigh"])


def test_every_drill_is_for_an_alert_of_the_rules() -> None:
    groups = [
        group for file in resource("rules").rglob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"]
    ]
    assert {one.alert for one in DRILLS} <= {rule.get("alert") for group in groups for rule in group["rules"]}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDirectory:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    directory = StateDirectory.locate()
    directory.create()
    return directory


def running_up(**changes: Any) -> RunRecord:
    own = identify(os.getpid())
    assert own is not None
    return RunRecord(**{"supervisor": own, "ready": True, "parts": {"canary": own}} | changes)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, "no `agent-obs up` is running; start it in another terminal"),
        (running_up(supervisor=ProcessIdentity(os.getpid(), "earlier")), "no `agent-obs up` is running"),
        (running_up(ready=False), "still starting"),
    ],
)
def test_a_drill_needs_a_running_up(state: StateDirectory, record: RunRecord | None, expected: str) -> None:
    if record is not None:
        write_record(state.record, record)
    with pytest.raises(StartError, match=expected):
        module.drill([])
    assert not state.hold.exists()


def series(value: str) -> dict[str, Any]:
    return {"result": [{"metric": {}, "value": [1.5, value]}]}


def active(alert_state: str) -> dict[str, Any]:
    labels = {"alertname": ALERT, "group": "drill"}
    return {"alerts": [{"labels": labels, "state": alert_state, "activeAt": SCRAPED}]}


DOWN = running_up(parts={})


@pytest.mark.parametrize(
    ("record", "before", "after", "expected"),
    [
        (running_up(), {"rules": {"groups": []}}, {}, f"Prometheus has no rule {ALERT}: was it loaded?"),
        (running_up(), {"query": {"result": []}}, {}, "stage `healthy before the drill` .* is absent, expected 1"),
        (running_up(), {"alerts": active("firing")}, {}, "stage `healthy before the drill` .* alert: firing"),
        (running_up(), {}, {}, "stage `canary stopped` not reached within 0 s: canary still runs"),
        (DOWN, {}, {}, "stage `seen by a scrape` not reached .* is 1"),
        (DOWN, {}, {"query": series("0")}, "stage `alert pending` not reached .* the alert is inactive"),
        (
            DOWN,
            {},
            {"query": series("0"), "alerts": active("pending")},
            "stage `alert firing` not reached .* the alert is pending",
        ),
        (
            DOWN,
            {},
            {"query": series("0"), "alerts": active("firing")},
            "stage `firing: delivered` not reached .* in Prometheus the alert is firing",
        ),
        (DOWN, {"query": {"error": "overloaded"}}, {}, "Prometheus refuses query: overloaded"),
    ],
)
async def test_a_late_stage_is_named_and_everything_released(
    state: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record: RunRecord,
    before: dict[str, Any],
    after: dict[str, Any],
    expected: str,
) -> None:
    for name in ("_STOP_SECONDS", "_SCRAPE_SECONDS", "_DELIVERY_SECONDS"):
        monkeypatch.setattr(module, name, 0.2)
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.02)
    fake = FakePrometheus()
    fake.answers |= {"rules": {"groups": [group("g", interval=0.1, name=ALERT)]}, "query": series("1")} | before
    asked: list[str] = []
    real_hold = holds.hold

    def hold(path: Path, part: str = "") -> None:
        asked.append(part)
        real_hold(path, part)
        if part:
            fake.answers |= after

    monkeypatch.setattr(holds, "hold", hold)
    store = NotificationStore(state.notifications)
    async with fake.running(), TestServer(receiver_app(store)) as receiver:
        urls = {"prometheus": fake.url, "receiver": str(receiver.make_url("")).rstrip("/")}
        write_record(state.record, RunRecord(supervisor=record.supervisor, parts=record.parts, ready=True, urls=urls))
        hold(state.hold)
        assert await module._drill_all(list(DRILLS), state, RunRecord(supervisor=record.supervisor, urls=urls)) == 1
    output = capsys.readouterr().out.replace("\n", " ")
    assert re.search(f"FAILED: .*{expected}", output), output
    assert asked[-1] == "", "the part is released"
    holds.release(state.hold)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, Child]]:
    local = LocalStack.create(tmp_path_factory.mktemp("drill"))
    with local.up() as up:
        wait_until(lambda: local.ready, 60, what=up.output)
        yield local, up


def canary_of(local: LocalStack) -> ProcessIdentity | None:
    record = local.record
    return record.parts.get("canary") if record else None


@pytest.mark.stack
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_drill_that_ends_early_releases_the_canary(stack: tuple[LocalStack, Child], number: signal.Signals) -> None:
    local, up = stack
    first = wait_until(lambda: canary_of(local), 10)
    drill = subprocess.Popen((*COMMAND, "drill"), env={**os.environ, **local.environment}, stdout=subprocess.PIPE)
    try:
        wait_until(lambda: not first.alive, 60, what=up.output)
        drill.send_signal(number)
        output, _ = drill.communicate(timeout=10)
    finally:
        drill.kill()
        drill.wait()
    again = wait_until(lambda: canary_of(local), 10)
    assert again != first
    if number is signal.SIGINT:
        assert (drill.returncode, b"interrupted; everything is released" in output) == (130, True)
        assert not local.state.hold.exists()


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_a_drill_fires_is_delivered_and_resolves(stack: tuple[LocalStack, Child]) -> None:
    local, up = stack
    done = local.run("drill", seconds=220)
    assert done.returncode == 0, done.stdout + done.stderr + up.output()
    stages = re.findall(r"^│ (\S.*?)\s+│ \d\d:\d\d:\d\d │ +([\d.]+) s", done.stdout, re.MULTILINE)
    assert [stage for stage, _ in stages] == [
        "started",
        "canary stopped",
        "seen by a scrape",
        "alert pending",
        "alert firing",
        "firing: delivered to critical",
        "released",
        "resolved: delivered to critical",
    ]
    times = [float(seconds) for _, seconds in stages]
    assert times == sorted(times)
    assert times[4] - times[3] > 25, "the rule waits 30 s, less what a poll may see late"
    assert not local.state.hold.exists()
    assert {
        alert.labels["group"]
        for one in NotificationStore(local.state.notifications).after(0)
        for alert in one.message.alerts
        if alert.labels["alertname"] == ALERT
    } == {"drill"}
