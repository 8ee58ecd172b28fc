"""Lives of the exporter one after the other, and namespaces that come, go and are refused: nothing is counted twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agent_observability.cr_state.config import CrStateConfig
from tests.cr_state.expected import counted, present
from tests.cr_state.living import DAY, Life, living, quick
from tests.support import wait_until_async

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["quick"]

_SELECTED = CrStateConfig(namespace_labels="ambient-code.io/managed=true")


def old(name: str, days: int, phase: str = "Completed", project: str = "payments") -> dict[str, Any]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY))
    meta = {"name": name, "namespace": project, "creationTimestamp": moment}
    return {"metadata": meta, "spec": {"prompt": "x"}, "status": {"phase": phase, "completionTime": moment}}


async def again(life: Life) -> None:
    await life.stop()
    await life.start()
    await life.synced()


async def reloaded(life: Life) -> None:
    exporter = life.exporter
    assert exporter is not None
    before = exporter.shown
    exporter.reload(life.config)
    await wait_until_async(lambda: exporter.shown is not before, what="a reload")


async def test_sessions_older_than_all_windows_are_counted_once(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        await life.start()
        await life.synced()
        for number in range(5):
            life.api.store.put("agenticsessions", old(f"old-{number}", 100))
        key = ("payments", "completed")
        expected = {"vteam_sessions_completed_total": {key: 5.0}}
        for _ in range(3):
            await wait_until_async(
                lambda: life.samples()["vteam_sessions_completed_total"].get(key) == 5, what=str(expected)
            )
            await again(life)


@pytest.mark.parametrize("config", [CrStateConfig(namespaces=["payments"]), _SELECTED], ids=["listed", "selected"])
async def test_components_are_found_wherever_the_projects_are(config: CrStateConfig, tmp_path: Path) -> None:
    async with living(tmp_path, config=config) as life:
        await life.start()
        await life.synced()
        assert set(life.samples()["vteam_component_ready_replicas"]) == {("frontend",), ("backend",), ("operator",)}


async def test_one_namespace_that_is_refused_hides_no_other(tmp_path: Path) -> None:
    config = CrStateConfig(namespaces=["payments", "forbidden"])
    async with living(tmp_path, config=config) as life:
        life.api.faults.denied = {"forbidden"}
        await life.start()
        await life.synced()
        await life.work(200)
        truth = present(life.platform)["vteam_sessions"]
        ours = {key: value for key, value in truth.items() if key[0] == "payments"}
        shown = await life.agrees({"vteam_sessions": ours})
        assert shown["cr_state_synced"]["agenticsessions",] == 0


async def test_a_platform_that_may_not_be_read_at_all(tmp_path: Path) -> None:
    """It says so, and shows its components; after a reload, too."""
    async with living(tmp_path) as life:
        life.api.faults.absent = {"agenticsessions"}
        await life.start()
        await life.synced()
        for _ in range(2):
            shown = life.samples()
            assert shown["cr_state_synced"]["agenticsessions",] == 0
            assert not shown.get("vteam_sessions")
            await reloaded(life)


async def test_a_text_that_no_ledger_holds_spoils_nothing_else(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        given = old("odd", 1, project="odd")
        given["spec"] |= {"userContext": {"userId": "\U0001f600" * 400}, "llmSettings": {"model": "é" * 400}}
        life.api.store.put("agenticsessions", given)
        await life.start()
        await life.synced()
        await life.work(300)
        truth = {**counted(life.platform), **present(life.platform)}
        await wait_until_async(lambda: not _elsewhere(life, truth, "odd"), 20, what="the others")
        await again(life)
        await life.work(100)
        truth = {**counted(life.platform), **present(life.platform)}
        await wait_until_async(lambda: not _elsewhere(life, truth, "odd"), 20, what="the others, later")


def _elsewhere(life: Life, truth: Any, project: str) -> list[str]:
    shown = life.samples()
    return [
        f"{name}{key}"
        for name, of in truth.items()
        for key in {*of, *shown[name]}
        if key[0] != project and abs(shown[name].get(key, 0) - of.get(key, 0)) > 1e-6
    ]


async def test_a_revision_that_is_no_number_stops_nothing(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        notes = {"deployment.kubernetes.io/revision": "9" * 5_000}
        meta = {"name": "x", "namespace": "anybody", "labels": {"app": "frontend"}, "annotations": notes}
        life.api.store.put("deployments", {"metadata": meta, "spec": {"replicas": 1}})
        await life.start()
        await life.synced()
        await life.work(200)
        await life.agrees({**counted(life.platform), **present(life.platform)})


async def test_a_namespace_that_goes_and_comes_counts_nothing_again(tmp_path: Path) -> None:
    async with living(tmp_path, config=_SELECTED) as life:
        life.began = life.platform.now
        await life.start()
        await life.synced()
        await life.work(600)
        known = {**counted(life.platform, without=("transitions", "restarts")), **present(life.platform)}
        await life.agrees(known)
        for _ in range(2):
            [namespace] = [one for one in life.api.store.objects("namespaces") if one["metadata"]["name"] == "search"]
            life.api.store.put("namespaces", {"metadata": {**namespace["metadata"], "labels": {}}})
            await wait_until_async(
                lambda: not life.samples()["vteam_sessions"]["search", "completed"], what="it is gone"
            )
            life.api.store.put("namespaces", namespace)
            await life.agrees(known)


async def test_a_reload_while_much_happens(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        await life.start()
        await life.synced()
        for _ in range(5):
            await life.work(100)
            await reloaded(life)
        truth = counted(life.platform, without=("transitions", "restarts", "queue", "run"))
        await life.agrees({**truth, **present(life.platform)})


async def test_steps_of_listed_namespaces_outlive_a_restart(tmp_path: Path) -> None:
    config = CrStateConfig(namespaces=["payments", "search", "docs"])
    async with living(tmp_path, config=config, sessions=200) as life:
        await life.start()
        await life.synced()
        await life.work(300)
        expected = {key: value for key, value in life.platform.estate.steps().items() if key[0] in config.namespaces}
        await life.agrees({"vteam_rfe_step_status": {key: value for key, value in expected.items() if value}})
        for run in [run for run in life.platform.runs.values() if run.step and run.over]:
            life.platform._delete(run)
        await again(life)
        await life.agrees({"vteam_rfe_step_status": {key: value for key, value in expected.items() if value}})
