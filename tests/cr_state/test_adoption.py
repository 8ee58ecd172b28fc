"""Who uses the platform, and how soon it is of use: sessions and settings in, exposition text out."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.adoption import COMPLETION, PROJECT, USER, Adoption, Projects
from agent_observability.cr_state.session import Facts
from agent_observability.cr_state.state import SessionGauges
from agent_observability.cr_state.view import View
from agent_observability.exposition import Format, write
from agent_observability.series import SeriesStore
from tests.cr_state.test_recorder import Books, listed, recording, watched

DAY = 86_400.0
NOW = 1_790_000_000.0
KINDS = (USER, PROJECT, COMPLETION)


class Board:
    """Adoption as one life of the exporter knows it, and what it shows."""

    def __init__(self, books: Books) -> None:
        facts = defaultdict(dict, {kind: books.facts(kind) for kind in KINDS})
        self.adoption = Adoption(books.recorder, SeriesStore("adoption", m.ADOPTION), facts)
        self.born: list[str] = []
        gauges = SessionGauges(
            SeriesStore("sessions", m.STATE), stuck_after=600, custom=lambda _: False, new_project=self.born.append
        )
        self.projects = Projects(books.scene(), self.adoption, gauges)

    def lines(self, *names: str) -> list[str]:
        # Segments are counted again after some time: at once, for a test.
        self.adoption._count_next = 0.0
        text = write(self.adoption.families(NOW), Format.TEXT).decode()
        return [line for line in text.splitlines() if line.startswith(tuple(f"{name}{{" for name in names))]

    def end(self, facts: Facts) -> None:
        self.adoption.changed("u", None, View(facts))

    def segments(self, name: str) -> dict[str, int]:
        """Those that are not 0; all have to be there."""
        found = {}
        for line in self.lines(name):
            labels, _, value = line.partition("{")[2].rpartition("} ")
            found[labels.replace('"', "").replace("segment=", "").replace("window=", "").replace(",", " ")] = int(value)
        assert len(found) == 8
        return {key: value for key, value in found.items() if value}


def session(days_ago: float, namespace: str = "p", user: str = "kim", **fields: object) -> Facts:
    return Facts(namespace, "s", NOW - days_ago * DAY, "batch", user=user, **fields)  # type: ignore[arg-type]


def completed(seconds: float, namespace: str = "p", end: str = "completed", **fields: object) -> Facts:
    return session(1, namespace, end_phase=end, ended=NOW + seconds, **{"phase": end, **fields})


def settings(project: str, created: float | None, version: int = 1, uid: str = "") -> dict[str, Any]:
    moment = None if created is None else datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"name": "projectsettings", "namespace": project, "uid": uid or project, "creationTimestamp": moment}
    return {"metadata": {**meta, "resourceVersion": str(version)}}


async def test_segments_of_users_and_projects(tmp_path: Path) -> None:
    """A session without a user is one of its project all the same. Who was first seen long ago is not new later."""
    async with recording(tmp_path) as books:
        board = Board(books)
        for facts in (session(0.5), session(40, user="lee"), session(3, "q", user="")):
            board.adoption.known(facts)
        assert board.segments("vteam_users") == {
            "active 24h": 1,
            "active 7d": 1,
            "active 30d": 1,
            "new 7d": 1,
            "churned 30d": 1,
        }
        assert board.segments("vteam_projects") == {
            "active 24h": 1,
            "active 7d": 2,
            "active 30d": 2,
            "new 7d": 1,
            "retained 30d": 1,
        }
    async with recording(tmp_path) as books:
        assert {kind: set(books.facts(kind)) for kind in KINDS} == {
            USER: {"kim", "lee"},
            PROJECT: {"p", "q"},
            COMPLETION: set(),
        }
        board = Board(books)
        assert board.segments("vteam_users") == {}
        board.adoption.known(session(0.2, user="lee"))
        board.adoption.known(session(0.2, user="new"))
        assert board.segments("vteam_users") == {"active 24h": 2, "active 7d": 2, "active 30d": 2, "new 7d": 1}


async def test_what_no_segment_looks_at_is_dropped(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        board = Board(books)
        for days in (66, 40):
            board.adoption.known(session(days, f"p{days}", f"u{days}"))
        board.adoption.forget_old(NOW)
        assert list(board.adoption._users._times) == ["u40"]
        assert list(board.adoption._projects._times) == ["p40"]
        assert board.segments("vteam_users") == {"churned 30d": 1}


async def test_segments_are_not_counted_all_the_time(tmp_path: Path) -> None:
    """Where it takes long, what is shown may be some time old."""
    async with recording(tmp_path) as books:
        board = Board(books)
        board.adoption.families(NOW)
        board.adoption._count_next += 1_000
        board.adoption.known(session(0.5))
        text = write(board.adoption.families(NOW), Format.TEXT).decode()
        assert 'vteam_users{segment="active",window="24h"} 0\n' in text
        assert board.segments("vteam_users")["active 24h"] == 1


PROJECT_NAMES = (
    "vteam_project_created_timestamp_seconds",
    "vteam_project_time_to_first_completion_seconds",
    "vteam_project_settings_info",
)


def shown(project: str, created: int, first: int | None = None) -> list[str]:
    label = f'{{project="{project}"}}'
    until = [] if first is None else [f"{PROJECT_NAMES[1]}{label} {first}.0"]
    return [f"{PROJECT_NAMES[0]}{label} {created}.0", *until, f"{PROJECT_NAMES[2]}{label} 1"]


async def test_a_project_from_its_settings_to_its_first_completed_session(tmp_path: Path) -> None:
    """The earliest end counts, in whichever order they are seen, and in the next life of the exporter, too."""
    created = int(NOW)
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.projects, settings("p", NOW))
        assert (board.lines(*PROJECT_NAMES), board.born) == (shown("p", created), ["p"])
        for facts in (completed(5, end="failed"), completed(3, "q"), session(1, end_phase="completed")):
            board.end(facts)
        assert board.lines(*PROJECT_NAMES) == shown("p", created)
        for seconds, first in ((900, 900), (600, 600), (700, 600)):
            board.end(completed(seconds))
            assert board.lines(*PROJECT_NAMES) == shown("p", created, first)
    async with recording(tmp_path) as books:
        board = Board(books)
        assert board.lines(*PROJECT_NAMES) == []
        await listed(board.projects, settings("p", NOW, 2))
        board.end(completed(800))
        assert board.lines(*PROJECT_NAMES) == shown("p", created, 600)


@pytest.mark.parametrize(("before", "first"), [(-5, None), (0, 0), (7, 7)])
async def test_sessions_that_ended_before_the_settings(before: float, first: int | None, tmp_path: Path) -> None:
    """They are those of an older project of the same name, and do not count."""
    async with recording(tmp_path) as books:
        board = Board(books)
        board.end(completed(before))
        await listed(board.projects, settings("p", NOW))
        assert board.lines(*PROJECT_NAMES) == shown("p", int(NOW), first)
        for seconds in (9, -3):
            board.end(completed(seconds))
            assert board.lines(*PROJECT_NAMES) == shown("p", int(NOW), 9 if first is None else first)


async def test_a_session_that_completes_after_a_restart(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.projects, settings("p", NOW))
        board.end(completed(5, end="failed", phase="completed", since=NOW + 50))
        assert board.lines(*PROJECT_NAMES) == shown("p", int(NOW), 50)


async def test_settings_of_an_unknown_age(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.projects, settings("p", None))
        board.end(completed(5))
        assert board.lines(*PROJECT_NAMES) == ['vteam_project_settings_info{project="p"} 1']


async def test_settings_that_are_deleted(tmp_path: Path) -> None:
    """The project has none then, unless there are others of it."""
    async with recording(tmp_path) as books:
        board = Board(books)
        await listed(board.projects, settings("p", NOW), settings("p", NOW, 1, "twin"), settings("q", NOW - 5))
        await watched(board.projects, settings("p", NOW, 2), kind="DELETED")
        assert len(board.lines(*PROJECT_NAMES)) == 4
        await watched(board.projects, settings("p", NOW, 3, "twin"), kind="DELETED")
        assert board.lines(*PROJECT_NAMES) == shown("q", int(NOW) - 5)
        await listed(board.projects)
        assert board.lines(*PROJECT_NAMES) == []
