"""Deployments and pods of the platform's own parts: object in, exposition text out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.components import CONTAINER, ComponentGauges, ComponentPods, Components
from agent_observability.cr_state.scene import Baselines, Namespaces, Scene
from agent_observability.exposition import Format, write
from agent_observability.series import SeriesStore
from tests.cr_state.test_recorder import Books, idle, listed, recording, watched

IMAGE = "registry:5000/team/backend"


def deployment(
    uid: str = "d",
    resource_version: int = 1,
    *,
    ready: int | None = None,
    replicas: object = None,
    images: tuple[str, ...] = (),
    **meta: object,
) -> dict[str, Any]:
    named = {"name": uid, "namespace": "platform", "uid": uid, "resourceVersion": str(resource_version), **meta}
    template = {"spec": {"containers": [{"name": "c", "image": image} for image in images]}}
    return {
        "metadata": named,
        "spec": {"replicas": replicas, "template": template},
        "status": {} if ready is None else {"readyReplicas": ready},
    }


def revision(number: object) -> dict[str, str]:
    return {"deployment.kubernetes.io/revision": str(number)}


def version(text: str) -> dict[str, str]:
    return {"app.kubernetes.io/version": text}


def at(minute: int) -> dict[str, Any]:
    return {"creationTimestamp": f"2026-09-21T14:{minute:02}:00Z"}


class Board:
    """Followers of deployments by component, and what they show."""

    def __init__(self, tmp_path: Path, *components: str) -> None:
        recorder = idle(tmp_path)
        scene = Scene(recorder, Baselines((), recorder), Namespaces(every=True))
        self.gauges = ComponentGauges(SeriesStore("components", m.COMPONENTS), dict.fromkeys(components, ""))
        self.of = {name: Components(scene, name, self.gauges) for name in components}

    def lines(self) -> list[str]:
        text = write(self.gauges.families(), Format.TEXT).decode()
        return [line.removeprefix("vteam_component_") for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path, "backend", "operator")


async def test_a_deployment_from_its_rollout_to_its_end(board: Board) -> None:
    backend = board.of["backend"]
    await listed(backend, deployment(ready=1, replicas=3, images=(f"{IMAGE}:1.2",), annotations=revision(7)))
    assert board.lines() == [
        'ready_replicas{component="backend"} 1',
        'desired_replicas{component="backend"} 3',
        'info{component="backend",version="1.2"} 1',
        'generation{component="backend"} 7',
    ]
    await watched(backend, deployment("d", 2, ready=3, replicas=3, images=(f"{IMAGE}:1.3",), annotations=revision(8)))
    assert board.lines() == [
        'ready_replicas{component="backend"} 3',
        'desired_replicas{component="backend"} 3',
        'info{component="backend",version="1.3"} 1',
        'generation{component="backend"} 8',
    ]
    await watched(backend, deployment("d", 3, replicas=0), kind="DELETED")
    assert board.lines() == [], "what is not there is not shown"
    await listed(board.of["operator"], deployment("o"))
    assert 'desired_replicas{component="operator"} 1' in board.lines(), "without a number, one is wanted"


async def test_several_deployments_of_a_component_add_up(board: Board) -> None:
    """The one created last says which version it is; without it, the other one."""
    old = deployment("old", 1, ready=2, replicas=4, labels=version("1"), annotations=revision(19), **at(1))
    new = deployment("new", 1, ready=1, replicas=1, labels=version("2"), annotations=revision(10), **at(2))
    await listed(board.of["backend"], old, new)
    assert board.lines() == [
        'ready_replicas{component="backend"} 3',
        'desired_replicas{component="backend"} 5',
        'info{component="backend",version="2"} 1',
        'generation{component="backend"} 10',
    ]
    await listed(board.of["backend"], old)
    assert board.lines() == [
        'ready_replicas{component="backend"} 2',
        'desired_replicas{component="backend"} 4',
        'info{component="backend",version="1"} 1',
        'generation{component="backend"} 19',
    ]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"annotations": version("1"), "labels": version("2"), "images": ("app:3",)}, "1"),
        ({"labels": version("2"), "images": ("app:3",)}, "2"),
        ({"annotations": version(""), "images": ("app:3",)}, "3"),
        ({"images": ("app:3", "sidecar:9")}, "3"),
        ({"images": (f"{IMAGE}:v1.2-rc.1",)}, "v1.2-rc.1"),
        ({"images": (f"{IMAGE}:4@sha256:abc",)}, "4"),
        ({"images": (IMAGE,)}, None),
        ({"images": (f"{IMAGE}@sha256:abc",)}, None),
        ({}, None),
        ({"labels": version('"\\')}, r"\"\\"),
    ],
)
async def test_versions(given: dict[str, Any], shown: str | None, board: Board) -> None:
    await listed(board.of["backend"], deployment(**given))
    info = [line for line in board.lines() if line.startswith("info")]
    assert info == ([] if shown is None else [f'info{{component="backend",version="{shown}"}} 1'])


@pytest.mark.parametrize("given", ["", "seven", "-1", "1.5", "²", "9" * 400])
async def test_a_revision_that_is_none(given: str, board: Board) -> None:
    await listed(board.of["backend"], deployment(ready=-1, replicas=-2, annotations=revision(given)))
    assert board.lines() == ['ready_replicas{component="backend"} 0', 'desired_replicas{component="backend"} 0']


def pod(uid: str, resource_version: int, **restarts: int) -> dict[str, Any]:
    named = {"name": uid, "namespace": "platform", "uid": uid, "resourceVersion": str(resource_version)}
    statuses = [{"name": name, "restartCount": number} for name, number in restarts.items()]
    return {"metadata": named, "status": {"containerStatuses": statuses}}


def pods_of(component: str, books: Books, selection: str = "app=it") -> ComponentPods:
    return ComponentPods(books.scene(), component, selection, books.facts(CONTAINER))


async def test_restarts_before_the_first_list_are_history(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        pods = pods_of("backend", books)
        await listed(pods, pod("old", 1, c=5))
        await books.shows(m.COMPONENT_RESTARTS)
        await watched(pods, pod("old", 2, c=7), pod("new", 3, c=2, d=1))
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 5')
        await listed(pods_of("operator", books), pod("other", 1, c=9))
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 5')


async def test_a_count_that_falls_begins_anew(tmp_path: Path) -> None:
    """Nothing was restarted less than no times; and malformed counts are none."""
    async with recording(tmp_path) as books:
        pods = pods_of("backend", books)
        await listed(pods, pod("p", 1, c=5))
        for number, restarts in enumerate((7, 3, 3, 4, -2, 1), 2):
            await watched(pods, pod("p", number, c=restarts))
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 4')
        assert books.facts(CONTAINER) == {"p/backend/c": b"1"}


async def test_restarts_while_the_exporter_was_away(tmp_path: Path) -> None:
    """Of pods that are known, of new ones, and not of those that are gone."""
    async with recording(tmp_path) as books:
        await listed(pods_of("backend", books), pod("stays", 1, c=5), pod("goes", 1, c=5))
        await listed(pods_of("operator", books), pod("other", 1, c=5))
    async with recording(tmp_path) as books:
        pods = pods_of("backend", books)
        await listed(pods, pod("stays", 2, c=6), pod("new", 2, c=2))
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 3')
        # To another component, of which it is, too, all of it is history.
        worker = pods_of("worker", books)
        await listed(worker, pod("stays", 2, c=9))
        await listed(worker)
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 3')
        assert books.facts(CONTAINER) == {"stays/backend/c": b"6", "new/backend/c": b"2", "other/operator/c": b"5"}
        await watched(pods, pod("new", 3, c=3), kind="DELETED")
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 4')
        assert set(books.facts(CONTAINER)) == {"stays/backend/c", "other/operator/c"}
    async with recording(tmp_path) as books:
        await listed(pods_of("operator", books), pod("other", 2, c=5))
        await listed(pods_of("backend", books), pod("stays", 2, c=6))
        # Nothing is counted again, and a counter that has not changed is shown as it was.
        await books.shows(m.COMPONENT_RESTARTS, '{component="backend"} 4')


@pytest.mark.parametrize("component", ["api", "api/v2", "a/b/c"])
async def test_names_of_components_are_free(component: str, tmp_path: Path) -> None:
    for restarts in (5, 5):
        async with recording(tmp_path) as books:
            await listed(pods_of(component, books), pod("p", 1, c=restarts))
            await books.shows(m.COMPONENT_RESTARTS)


async def test_pods_that_another_selector_finds_are_history(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        await listed(pods_of("backend", books))
    async with recording(tmp_path) as books:
        await listed(pods_of("backend", books, "app=other"), pod("p", 1, c=5))
        await books.shows(m.COMPONENT_RESTARTS)
