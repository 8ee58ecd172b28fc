"""Reloads of a whole process: what changes, what stays after a mistake, and what the metrics say about it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from agent_observability import config
from agent_observability.run import Process
from tests import probe
from tests.server.site import Answer, ask, session

SUCCESSFUL = "agent_obs_config_last_reload_successful"
TIMESTAMP = "agent_obs_config_last_reload_success_timestamp_seconds"


@pytest.fixture(autouse=True)
def _probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "EXPORTERS", probe.EXPORTERS)
    monkeypatch.setattr(config, "BY_NAME", {exporter.name: exporter for exporter in probe.EXPORTERS})


class Running:
    """A process with both test exporters and the file it was configured from."""

    def __init__(self, process: Process, file: Path) -> None:
        self.process = process
        self.file = file

    def session(self, number: int = 0) -> aiohttp.ClientSession:
        return session(f"http://127.0.0.1:{self.process.servers[number].ports[0]}")

    async def ask(self, path: str, *, number: int = 0, method: str = "GET") -> Answer:
        async with self.session(number) as client:
            return await ask(client, method, path)

    async def metric(self, name: str, number: int = 0) -> float:
        text = (await self.ask("/metrics", number=number)).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))

    def write(self, text: str) -> None:
        listen = "web: {listen: {probe: ['127.0.0.1:0'], second: ['127.0.0.1:0']}}\n"
        self.file.write_text(listen + text)


@contextlib.asynccontextmanager
async def running(folder: Path, text: str = "") -> AsyncIterator[Running]:
    file = folder / "config.yml"
    Running(None, file).write(text)  # type: ignore[arg-type]
    process = Process(probe.EXPORTERS, file, {})
    await process.start()
    try:
        yield Running(process, file)
    finally:
        await process.stop()


async def test_a_valid_change_takes_effect(tmp_path: Path) -> None:
    async with running(tmp_path, "probe: {text: before}") as it:
        assert 'probe_info{text="before"} 1\n' in (await it.ask("/metrics")).text
        before = await it.metric(TIMESTAMP)
        it.write("probe: {text: after}\nsecond: {text: other}")
        answer = await it.ask("/-/reload", method="POST")
        assert (answer.status, answer.text) == (200, "reloaded\n")
        assert 'probe_info{text="after"} 1\n' in (await it.ask("/metrics")).text
        assert 'probe_info{text="other"} 1\n' in (await it.ask("/metrics", number=1)).text
        assert "text: after" in (await it.ask("/")).text
        assert await it.metric(SUCCESSFUL) == 1
        assert await it.metric(TIMESTAMP) > before


@pytest.mark.parametrize(
    ("broken", "complaints"),
    [
        ("probe: {txt: x}", ["probe.txt: unknown key 'txt'; did you mean 'text'?"]),
        (
            "probe: {every: soon, size: -1}",
            ["probe.every: expected a duration such as 30s, 5m or 1h30m, got 'soon'", "probe.size: expected a size"],
        ),
        ("probe: [", ["no valid YAML"]),
        ("web: {config_file: absent.yml}", ["absent.yml: cannot be read: No such file or directory"]),
        ("probe: {text: other, refuse: 'not with me'}", ["not with me"]),
        ("probe: {text: other}\nsecond: {refuse: 'not with me'}", ["not with me"]),
    ],
)
async def test_a_broken_file_changes_nothing(tmp_path: Path, broken: str, complaints: list[str]) -> None:
    async with running(tmp_path, "probe: {text: before}") as it:
        loaded = await it.metric(TIMESTAMP)
        if broken.startswith("web:"):
            it.file.write_text(broken)
        else:
            it.write(broken)
        answer = await it.ask("/-/reload", method="POST")
        assert answer.status == 500
        for complaint in complaints:
            assert complaint in answer.text
        assert 'probe_info{text="before"} 1\n' in (await it.ask("/metrics")).text
        for number in (0, 1):
            assert await it.metric(SUCCESSFUL, number) == 0
        assert await it.metric(TIMESTAMP) == loaded

        it.write("probe: {text: mended}")
        assert (await it.ask("/-/reload", method="POST")).status == 200
        assert 'probe_info{text="mended"} 1\n' in (await it.ask("/metrics")).text
        for number in (0, 1):
            assert await it.metric(SUCCESSFUL, number) == 1


async def test_a_broken_file_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.write("probe: {filler: many}")
        text = (await it.ask("/-/reload", method="POST")).text
        assert text.startswith(f"{it.file}: probe.filler: ")
        assert "'many'" in text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_reload_is_a_post(tmp_path: Path, method: str) -> None:
    async with running(tmp_path, "probe: {text: before}") as it:
        it.write("probe: {text: after}")
        answer = await it.ask("/-/reload", method=method)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert 'probe_info{text="before"} 1\n' in (await it.ask("/metrics")).text


async def test_what_needs_a_restart_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(tmp_path) as it:
        it.file.write_text("web: {max_requests: 3}")
        assert (await it.ask("/-/reload", method="POST")).status == 200
        assert "need a restart" in capsys.readouterr().err


async def test_each_port_has_a_registry_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path, "probe: {text: one, counts: {a: 1}}\nsecond: {text: two}") as it:
        first, second = [(await it.ask("/metrics", number=number)).text for number in (0, 1)]
    assert 'exporter="probe"' in first
    assert 'exporter="second"' in second
    assert 'probe_info{text="one"}' in first
    assert 'probe_info{text="two"}' in second
    assert 'probe_jobs_total{kind="a"}' in first
    assert "probe_jobs_total{" not in second
    assert ("process_cpu_seconds_total" in first, "process_cpu_seconds_total" in second) == (True, False)
    assert ("python_info" in first, "python_info" in second) == (True, False)
