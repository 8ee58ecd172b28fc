"""Workflows and their steps: objects and labels of sessions in, exposition text out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state import workflows as module
from agent_observability.cr_state.lists import ScopeSink
from agent_observability.cr_state.session import Facts
from agent_observability.cr_state.view import View
from agent_observability.cr_state.workflows import WORKFLOW, Steps, Workflows
from agent_observability.exposition import Format, write
from agent_observability.series import SeriesStore
from tests.cr_state.test_recorder import Books, listed, recording, watched


class Board:
    """The workflows of one life of the exporter, and what they show."""

    def __init__(self, books: Books) -> None:
        self.steps = Steps(books.recorder, SeriesStore("workflows", m.WORKFLOWS), books.facts(WORKFLOW))
        self.workflows = Workflows(books.scene(), self.steps)
        self.views: dict[str, View] = {}

    def session(self, name: str, step: str, namespace: str = "p", *, done: bool = False, gone: bool = False) -> None:
        """One is for a step of a workflow; or it is gone."""
        uid = f"{namespace} {name} {step}"
        facts = Facts(namespace, "s", 1.0, "batch", phase="completed" if done else "running")
        old = self.views.pop(uid, None)
        if not gone:
            self.views[uid] = View(facts, step=(name, step))
        self.steps.changed(uid, old, self.views.get(uid))

    def lines(self, metric: str) -> dict[str, int]:
        text = write(self.steps.families(), Format.TEXT).decode()
        found = [line.rpartition(" ")[::2] for line in text.splitlines() if line.startswith(f"{metric}{{")]
        assert len(dict(found)) == len(found)
        return {labels.partition("{")[2].rstrip("}"): int(value) for labels, value in found}

    def done(self) -> dict[str, str]:
        """Initials of the steps that are done, by workflow; all others have to be shown as 0."""
        found: dict[str, dict[str, int]] = {}
        for labels, value in self.lines("vteam_rfe_step_status").items():
            workflow, _, step = labels.rpartition(",step=")
            found.setdefault(workflow, {})[step.strip('"')] = value
        assert all(list(of) == list(m.STEPS) for of in found.values())
        return {workflow: "".join(step[0] for step, value in of.items() if value) for workflow, of in found.items()}

    def phases(self) -> dict[str, int]:
        return self.lines("vteam_rfe_workflows")


def labels(name: str, namespace: str = "p") -> str:
    return f'namespace="{namespace}",project="{namespace}",workflow="{name}"'


def workflow(name: str, version: int, phase: object = "Ready", uid: str = "", namespace: str = "p") -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "uid": uid or name, "resourceVersion": str(version)}
    return {"metadata": meta, "status": {"phase": phase}}


async def test_steps_are_latched(tmp_path: Path) -> None:
    """And known to the next life of the exporter."""
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.workflows, workflow("w", 1))
        assert board.done() == {labels("w"): ""}
        board.session("w", "ideate")
        board.session("w", "plan", done=True)
        assert board.done() == {labels("w"): "p"}
        board.session("w", "plan")
        board.session("w", "implement", done=True)
        assert board.done() == {labels("w"): "pi"}
    async with recording(tmp_path) as books:
        board = Board(books)
        assert board.done() == {labels("w"): "pi"}
        board.session("w", "tasks", done=True)
        await listed(board.workflows, workflow("w", 2))
        assert board.done() == {labels("w"): "pti"}


async def test_phases(tmp_path: Path) -> None:
    """Counted by project, with what is unknown as such; those that there are no more of stay at 0."""
    async with recording(tmp_path) as books:
        board = Board(books)
        given = [workflow("a", 1, None), workflow("b", 1, "READY"), workflow("c", 1, "Dreaming"), workflow("d", 1)]
        await listed(board.workflows, *given, workflow("a", 1, "Initializing", "x", "q"))
        assert board.phases() == {
            'project="p",phase="initializing"': 1,
            'project="p",phase="ready"': 2,
            'project="p",phase="other"': 1,
            'project="q",phase="initializing"': 1,
        }
        await watched(board.workflows, workflow("a", 2), workflow("c", 2), workflow("c", 3, ["no", "text"]))
        await watched(board.workflows, workflow("b", 4), kind="DELETED")
        assert board.phases() == {
            'project="p",phase="initializing"': 1,
            'project="p",phase="ready"': 2,
            'project="p",phase="other"': 0,
            'project="q",phase="initializing"': 1,
        }


async def test_one_that_was_deleted_begins_anew(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.workflows, workflow("w", 1), workflow("w", 1, uid="other", namespace="q"))
        for namespace in "pq":
            board.session("w", "plan", namespace, done=True)
        await watched(board.workflows, workflow("w", 2), kind="DELETED")
        assert board.done() == {labels("w", "q"): "p"}
        await watched(board.workflows, workflow("w", 3, uid="next"), kind="ADDED")
        assert board.done() == {labels("w"): "", labels("w", "q"): "p"}
        assert len(board.workflows) == 2


async def test_those_that_went_while_the_exporter_was_away(tmp_path: Path) -> None:
    """Their steps are forgotten; those that never had an object are not shown, as there are objects."""
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.workflows, workflow("goes", 1), workflow("stays", 1))
        for name in ("goes", "stays", "label"):
            board.session(name, "plan", done=True)
        await books.recorder.recorded()
        assert set(books.facts(WORKFLOW)) == {"p/goes", "p/stays", "p/label"}
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.workflows, workflow("stays", 1))
        assert board.done() == {labels("stays"): "p"}
        await watched(board.workflows, workflow("goes", 5, uid="again"), kind="ADDED")
        assert board.done() == {labels("stays"): "p", labels("goes"): ""}
        board.steps.listed("q")
        await books.recorder.recorded()
        assert set(books.facts(WORKFLOW)) == {"p/goes", "p/stays", "p/label"}
        board.steps.listed("")
        await books.recorder.recorded()
        assert set(books.facts(WORKFLOW)) == {"p/goes", "p/stays"}


async def test_a_platform_without_workflow_objects(tmp_path: Path) -> None:
    """The labels of sessions alone tell which there are, until it has some, and again when it has none any more."""
    async with recording(tmp_path) as books:
        board = Board(books)
        await ScopeSink(board.workflows).missing()
        board.session("w", "plan", done=True)
        board.session("v", "ideate", "q")
        only_labels = {labels("w"): "p", labels("v", "q"): ""}
        assert board.done() == only_labels
        await listed(board.workflows, workflow("w", 1))
        assert board.done() == {labels("w"): "p"}
        await ScopeSink(board.workflows).missing()
        assert board.done() == only_labels
        assert board.phases() == {'project="p",phase="ready"': 0}


async def test_workflows_that_no_session_names_any_more(tmp_path: Path) -> None:
    """Those without an object are forgotten, with their last session."""
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.workflows, workflow("w", 1))
        await ScopeSink(board.workflows).missing()
        for name in "vw":
            board.session(name, "plan", done=True)
            board.session(name, "tasks")
            board.session(name, "plan", gone=True)
        assert board.done() == {labels("v"): "p", labels("w"): "p"}
        for name in "vw":
            board.session(name, "tasks", gone=True)
        assert board.done() == {labels("w"): "p"}


async def test_what_labels_can_bring_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_KNOWN", 3)
    async with recording(tmp_path) as books:
        board = Board(books)
        for name in "abcde":
            board.session(name, "plan", done=True)
        board.session("a", "tasks", done=True)
        assert board.done() == {labels("a"): "pt", labels("b"): "p", labels("c"): "p"}
        await books.recorder.recorded()
        assert len(books.facts(WORKFLOW)) == 3


async def test_names_that_need_escapes(tmp_path: Path) -> None:
    """And one with a slash, which is read back as it was."""
    for _ in range(2):
        async with recording(tmp_path) as books:
            board = Board(books)
            board.session('a/"b', "plan", done=True)
            assert board.done() == {labels(r"a/\"b"): "p"}
