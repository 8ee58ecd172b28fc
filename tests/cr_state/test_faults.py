"""Whatever happens to the API, its watches, the exporter and its ledger: in the end the figures are the platform's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from agent_observability.cr_state.config import CrStateConfig
from tests.cr_state.expected import Truth, counted, present
from tests.cr_state.living import Life, away, living, quick
from tests.support import wait_until_async

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["quick"]

_LISTED = [(resource, "ok") for resource in ("agenticsessions", "rfeworkflows", "projectsettings", "jobs")]
# Of each component; and those of sessions.
_TWICE = {("deployments", "ok"): 3.0, ("pods", "ok"): 4.0}


def whole(life: Life) -> Truth:
    return {**counted(life.platform), **present(life.platform)}


@contextlib.asynccontextmanager
async def running(tmp_path: Path, config: CrStateConfig | None = None, **options: float) -> AsyncIterator[Life]:
    """An exporter that has seen some hundred events and agrees with the platform."""
    async with living(tmp_path, config=config, **options) as life:  # type: ignore[arg-type]
        await life.start()
        await life.synced()
        await life.work(400)
        await life.agrees(whole(life))
        yield life


def cut(life: Life) -> None:
    life.api.cut()


def replay(life: Life) -> None:
    life.api.faults.replay = 150
    life.api.cut()


def throttle(life: Life) -> None:
    life.api.faults.status[429] += 2
    life.api.cut()


def break_down(life: Life) -> None:
    life.api.faults.status[500] += 5
    life.api.cut()


@pytest.mark.parametrize("fault", [cut, replay, throttle, break_down], ids=lambda fault: fault.__name__)
async def test_nothing_is_lost_while_versions_are_kept(fault: Callable[[Life], None], tmp_path: Path) -> None:
    async with running(tmp_path) as life:
        for _ in range(8):
            await life.work(100, at_once=5)
            fault(life)
            # Two of them at once would be more than passes by.
            await wait_until_async(lambda: not +life.api.faults.status, what="the end of the fault")
        await life.work(100)
        await life.agrees({**whole(life), "cr_state_lists_total": dict.fromkeys(_LISTED, 1.0) | _TWICE})


async def test_api_down_with_versions_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as life:
        life.api.faults.down = True
        life.api.cut()
        await life.work(500)
        await wait_until_async(
            lambda: life.samples()["cr_state_watches_total"]["agenticsessions", "error"] > 2, what="vain tries"
        )
        life.api.faults.down = False
        await life.agrees(whole(life))


async def gap(life: Life, events: int = 500) -> None:
    """Let things happen unseen: the API is down, and has forgotten all versions when it is back."""
    life.api.faults.down = True
    life.api.cut()
    with away(life):
        await life.work(events)
        life.api.store.compact()
    life.api.faults.down = False


async def test_gap(tmp_path: Path) -> None:
    """Objects changed, created and deleted meanwhile; what came and went is not invented."""
    async with running(tmp_path) as life:
        for _ in range(3):
            await gap(life)
            await life.agrees(whole(life))
            await life.work(200)
            shown = await life.agrees(whole(life))
        assert shown["cr_state_watches_total"]["agenticsessions", "gone"] >= 1
        assert shown["cr_state_lists_total"]["agenticsessions", "ok"] >= 2


async def test_list_that_expires_in_its_middle(tmp_path: Path) -> None:
    async with running(tmp_path, sessions=200) as life:
        life.api.faults.expired = 3
        await gap(life)
        await life.agrees(whole(life))
        assert life.api.faults.expired == 0


async def test_restarts(tmp_path: Path) -> None:
    """Each new process goes on from the ledger; the first list of the first one was history."""
    async with running(tmp_path) as life:
        before = life.samples()
        for _ in range(3):
            await life.stop()
            with away(life):
                await life.work(300)
            await life.start()
            await life.synced()
            await life.agrees(whole(life))
        assert sum(before["vteam_sessions_created_total"].values()) > 0


async def test_ledger_that_is_away_for_a_while(tmp_path: Path) -> None:
    """What happens meanwhile is counted once it is back; what there is, is shown all the time."""
    async with running(tmp_path) as life:
        database = life.ledger_file
        hidden = database.with_suffix(".hidden")
        database.rename(hidden)
        database.mkdir()
        await life.work(300)
        await life.agrees(present(life.platform))
        database.rmdir()
        hidden.rename(database)
        await life.agrees(whole(life))


async def test_rotated_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one")
    async with living(tmp_path) as life:
        life.api.faults.token = "one"
        kubernetes = msgspec.structs.replace(life.config.kubernetes, token_path=token)
        life.config = msgspec.structs.replace(life.config, kubernetes=kubernetes)
        await life.start()
        await life.synced()
        await life.work(200)
        life.api.faults.token = "two"
        life.api.cut()
        await life.work(200)
        token.write_text("two")
        await life.agrees(whole(life))


async def test_resource_that_is_installed_later(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        life.api.faults.absent = {"rfeworkflows"}
        await life.start()
        await life.synced()
        await life.work(600)
        shown = await life.agrees(whole(life))
        assert shown["cr_state_synced"]["rfeworkflows",] == 0
        await wait_until_async(
            lambda: life.samples()["cr_state_lists_total"]["rfeworkflows", "missing"], what="refused lists"
        )
        # Steps are known by the labels of sessions alone.
        assert shown["vteam_rfe_step_status"]
        life.api.faults.absent = set()
        await wait_until_async(lambda: life.samples()["cr_state_synced"]["rfeworkflows",], what="workflows")
        await life.work(200)
        shown = await life.agrees({**whole(life), "vteam_rfe_step_status": _ones(life.platform.estate.steps())})
        life.api.faults.absent = {"rfeworkflows"}
        life.api.store.compact()
        life.api.cut()
        await wait_until_async(lambda: not life.samples()["cr_state_objects"]["rfeworkflows",], what="none left")


def _ones(steps: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {key: value for key, value in steps.items() if value}


async def test_listed_namespaces(tmp_path: Path) -> None:
    config = CrStateConfig(namespaces=["payments", "search"])
    async with living(tmp_path, config=config) as life:
        await life.start()
        await life.synced()
        await life.work(600)
        await life.agrees(_only(whole(life), {"payments", "search"}))
        assert not any(resource == "namespaces" for _, _, resource in life.api.asked)


async def test_selected_namespaces(tmp_path: Path) -> None:
    """One that is selected later has a history; one that is new has none; one that is deselected is gone."""
    config = CrStateConfig(namespace_labels="ambient-code.io/managed=true")
    async with living(tmp_path, config=config) as life:
        life.began = life.platform.now
        await life.start()
        await life.synced()
        await life.work(900)
        # Between a project's creation and its selection steps of its sessions and whole jobs go by unseen.
        unseen = ("transitions", "restarts", "jobs_created", "jobs_completed")
        known = {**counted(life.platform, without=unseen), **present(life.platform)}
        await life.agrees(known)
        namespace = next(one for one in life.api.store.objects("namespaces") if one["metadata"]["name"] == "search")
        life.api.store.put("namespaces", {"metadata": {**namespace["metadata"], "labels": {}}})
        await life.agrees({"vteam_sessions": _without(present(life.platform)["vteam_sessions"], "search")})
        life.api.store.put("namespaces", namespace)
        await life.agrees(known)


def _only(truth: Truth, projects: set[str]) -> Truth:
    return {name: {key: value for key, value in of.items() if key[0] in projects} for name, of in truth.items()}


def _without(found: object, project: str) -> dict[tuple[str, ...], float]:
    assert isinstance(found, dict)
    return {key: value for key, value in found.items() if key[0] != project}


@pytest.mark.parametrize("able", [True, False])
async def test_streaming_lists(able: bool, tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        life.api.streaming = able
        kubernetes = msgspec.structs.replace(life.config.kubernetes, streaming_lists=True)
        life.config = msgspec.structs.replace(life.config, kubernetes=kubernetes)
        await life.start()
        await life.synced()
        await life.work(300)
        await life.agrees(whole(life))
        await gap(life)
        await life.agrees(whole(life))
        assert (life.api.asked["list", "vteam.ambient-code", "agenticsessions"] == 0) == able


async def test_scrape_during_a_list(tmp_path: Path) -> None:
    """It gets the whole old picture, then the whole new one."""
    async with running(tmp_path, sessions=3_000) as life:
        before = life.sessions()
        seen: list[float] = []
        await gap(life)
        after = len(life.platform.runs)
        assert after != before
        while not seen or seen[-1] != after:
            seen.append(life.sessions())
            await asyncio.sleep(0)
        assert set(seen) == {before, after}
        assert len(seen) > 10


async def test_reload(tmp_path: Path) -> None:
    """Another section is followed without a gap in what is shown, and without counting anything twice."""
    async with running(tmp_path) as life:
        assert life.exporter is not None
        detail = msgspec.structs.replace(life.config.detail, policy="none")
        life.exporter.reload(msgspec.structs.replace(life.config, detail=detail))
        assert life.samples()["vteam_sessions"]
        await wait_until_async(lambda: not life.samples().get("vteam_session_phase_info"), what="the new section")
        await life.work(200)
        await life.agrees(whole(life))
