"""Series of single sessions: objects in, exposition text out; and which of them the policy shows."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.cr_state.config import DetailConfig
from agent_observability.cr_state.detail import Detail
from agent_observability.cr_state.metrics import SESSION_PHASE
from agent_observability.cr_state.scene import Baselines, Namespaces, Scene
from agent_observability.cr_state.sessions import Sessions, without_credentials
from agent_observability.cr_state.view import View
from agent_observability.exposition import Format, write
from agent_observability.metric import Metric
from tests.cr_state.test_recorder import idle, watched

DAY = 86_400
POLICIES = ("all", "recent", "active", "none")
# An hour ago: all that happens in a test is over by now, and within a day.
T0 = int(time.time()) - 3_600


class Board:
    """Sessions by uid, and what is shown of them."""

    def __init__(self, directory: Path, policy: str = "recent", **config: object) -> None:
        recorder = idle(directory)
        views: dict[str, View] = {}
        self.refused: list[Metric] = []
        given = DetailConfig(policy=policy, **config)  # type: ignore[arg-type]
        self.detail = Detail(given, views, self.refused.append)
        scene = Scene(recorder, Baselines((), recorder), Namespaces(every=True))
        self.sessions = Sessions(
            scene, [self.detail], views=views, facts={}, custom=lambda _: False, delayed=lambda _: None
        )
        self.version = 0

    async def put(
        self, name: str, phase: str = "Running", ended: float | None = None, *, deleted: bool = False, **given: Any
    ) -> None:
        self.version += 1
        found = session(name, phase, ended, **given)
        found["metadata"]["resourceVersion"] = str(self.version)
        await watched(self.sessions, found, kind="DELETED" if deleted else "MODIFIED")

    def text(self) -> str:
        return write(self.detail.families(), Format.TEXT).decode()

    def lines(self, *names: str) -> list[str]:
        """Without the labels that say which session it is: of one whose name and namespace are plain."""
        wanted = [line for line in self.text().splitlines() if line.startswith(names or "vteam")]
        return [line.removeprefix("vteam_session_").replace('namespace="p",project="p",', "") for line in wanted]

    def shown(self) -> dict[str, str]:
        """Phases by name, as a parser reads them; no series stands twice, all are of the same sessions."""
        phases, named, keys = {}, set(), set()
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert key not in keys, f"{key} stands twice"
                keys.add(key)
                named.add(sample.labels["session_name"])
                if sample.name == SESSION_PHASE.name:
                    phases[sample.labels["session_name"]] = sample.labels["phase"]
        assert named == phases.keys()
        assert len(phases) == len(self.detail)
        return phases


def at(seconds: float) -> str:
    return datetime.fromtimestamp(T0 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def session(
    name: str, phase: str, ended: float | None, *, started: float = 10, model: str = "m", **more: Any
) -> dict[str, Any]:
    """Of the first generation; `ended` and `started` in seconds after its creation at `T0`."""
    meta = {"name": name, "namespace": "p", "uid": f"u-{name}", "creationTimestamp": at(0), **more.pop("meta", {})}
    completion = {} if ended is None else {"completionTime": at(ended)}
    status = {"phase": phase, "startTime": at(started), **completion, **more}
    return {"metadata": meta, "spec": {"prompt": "do", "llmSettings": {"model": model}}, "status": status}


REPORTED = {
    "repos": [{"name": "https://host/a", "status": "pushed"}, {"name": "b", "status": "abandoned"}, {"name": "c"}],
    "total_cost_usd": 0.25,
    "num_turns": 7,
    "usage": {
        "input_tokens": 5,
        "output_tokens": 0,
        "cache_creation_input_tokens": -1,
        "cache_read_input_tokens": 2**53,
        "service_tier": "x",
    },
}


async def test_all_that_an_object_tells(tmp_path: Path) -> None:
    board = Board(tmp_path)
    label = {"labels": {"ambient-code.io/scheduled-run": "x"}}
    await board.put("s", "Completed", 90, meta=label, **REPORTED)
    s = 'session_name="s"'
    assert board.lines() == [
        f'phase_info{{{s},phase="completed"}} 1',
        f'info{{{s},mode="batch",model="m",scheduled="true"}} 1',
        f"created_timestamp_seconds{{{s}}} {T0}.0",
        f"start_timestamp_seconds{{{s}}} {T0 + 10}.0",
        f"completion_timestamp_seconds{{{s}}} {T0 + 90}.0",
        f'repo_status{{{s},repo="https://host/a"}} 1',
        f'repo_status{{{s},repo="b"}} 0',
        f"cost_usd{{{s}}} 0.25",
        f"turns{{{s}}} 7",
        f'tokens{{{s},type="input"}} 5',
        f'tokens{{{s},type="cache_read"}} {2**53}',
        f'tokens{{{s},type="output"}} 0',
    ]
    await board.put("s", "Completed", 90, deleted=True)
    assert board.text() == ""


async def test_what_is_not_known_has_no_series(tmp_path: Path) -> None:
    board = Board(tmp_path)
    meta = {"name": "s", "namespace": "p", "uid": "u", "creationTimestamp": at(0)}
    await watched(board.sessions, {"metadata": meta})
    assert board.lines() == [
        'phase_info{session_name="s",phase="pending"} 1',
        'info{session_name="s",mode="interactive",model="default",scheduled="false"} 1',
        f'created_timestamp_seconds{{session_name="s"}} {T0}.0',
    ]


@pytest.mark.parametrize(
    ("policy", "shown", "blocks"),
    [
        ("all", "run done old wait", [2, 2]),
        ("recent", "run done wait", [2, 1]),
        ("active", "run wait", [2]),
        ("none", "", []),
    ],
)
async def test_policies(policy: str, shown: str, blocks: list[int], tmp_path: Path) -> None:
    """Those that may change stand apart from those that rest."""
    board = Board(tmp_path, policy)
    await board.put("done")
    for given in (("run", "Running", None), ("done", "Failed", 90), ("old", "Stopped", -DAY), ("wait", "", None)):
        await board.put(*given, meta={"creationTimestamp": at(-2 * DAY)})
    assert sorted(board.shown()) == sorted(shown.split())
    assert [block.text.count(b"\n") for block in board.detail.families()[0].blocks] == blocks


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_restart(policy: str, tmp_path: Path) -> None:
    """It keeps its first start and its first end."""
    board = Board(tmp_path, policy)
    times = [f'start_timestamp_seconds{{session_name="s"}} {T0 + 10}.0']
    end = f'completion_timestamp_seconds{{session_name="s"}} {T0 + 90}.0'
    for phase, ended, started in (
        ("Running", None, 10),
        ("Completed", 90, 10),
        ("Running", None, 100),
        ("Failed", 200, 100),
    ):
        await board.put("s", phase, ended, started=started)
        times += [end] if phase == "Completed" else []
        shown = policy in ("all", "recent") or (policy == "active" and phase == "Running")
        assert board.shown() == ({"s": phase.lower()} if shown else {})
        assert board.lines("vteam_session_start", "vteam_session_completion") == (times if shown else [])


async def test_the_limit(tmp_path: Path) -> None:
    """One beyond it takes the place of one that is gone, as soon as it changes."""
    board = Board(tmp_path, sessions=2)
    for name in "abc":
        await board.put(name)
    assert (set(board.shown()), board.refused) == ({"a", "b"}, [SESSION_PHASE])
    await board.put("a", "Completed", 90)
    await board.put("c", "Stopping")
    assert (board.shown(), len(board.refused)) == ({"a": "completed", "b": "running"}, 2)
    await board.put("a", "Completed", 90, deleted=True)
    await board.put("c", "Stopped", 95)
    assert board.shown() == {"b": "running", "c": "stopped"}
    assert len(board.refused) == 2


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('say "hi"', r"say \"hi\""),
        (r"a\b", r"a\\b"),
        ("a\nb", "a b"),
        ('"} 1\nvteam_session_info{x="', r"\"} 1 vteam_session_info{x=\""),
        ("naïve-é", "naïve-é"),
        ("", None),
    ],
)
async def test_labels_that_need_escapes(given: str, shown: str | None, tmp_path: Path) -> None:
    """In names, namespaces, models and repositories; and their lines are found again."""
    board = Board(tmp_path)
    where = {"namespace": given or "p"}
    for phase, ended in (("Running", None), ("Completed", 90)):
        repos = [{"name": given, "status": "pushed"}]
        await board.put(given or "s", phase, ended, model=given, meta=where, repos=repos)
        assert list(board.shown().values()) == [phase.lower()]
        base = f'namespace="{shown}",project="{shown}",session_name="{shown}"'
        if shown is None:
            assert 'model="default"' in board.text()
            assert "repo_status" not in board.text()
        else:
            assert f'info{{{base},mode="batch",model="{shown}",scheduled="false"}} 1\n' in board.text()
            assert f'repo_status{{{base},repo="{shown}"}} 1\n' in board.text()
    await board.put(given or "s", "Completed", 90, meta=where, deleted=True)
    assert board.text() == ""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://kim:secret@host/team/repo.git", "https://host/team/repo.git"),
        ("https://secret@host:8443/repo", "https://host:8443/repo"),
        ("https://kim:se@cret@host", "https://host"),
        ("https://kim:sec/secret@host/repo", "https://host/repo"),
        ("https://host/repo?token=secret#x", "https://host/repo"),
        ("https://proxy/https://kim:secret@host/repo", "https://proxy/https://host/repo"),
        ("kim:secret@host/repo", "host/repo"),
        ("git@host:team/repo.git", "git@host:team/repo.git"),
        ("team/repo", "team/repo"),
    ],
)
async def test_repositories_without_credentials(given: str, shown: str, tmp_path: Path) -> None:
    """Two that are the same without them are one."""
    board = Board(tmp_path)
    repos = [{"name": name, "status": "pushed"} for name in (shown, given)]
    await board.put("s", repos=[*repos, *({"name": f"{n}", "status": "abandoned"} for n in range(30))])
    found = board.lines("vteam_session_repo_status")
    assert found[0] == f'repo_status{{session_name="s",repo="{shown}"}} 1'
    assert len(found) == 20
    assert "secret" not in board.text()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example.org/o/r.git", "https://git.example.org/o/r.git"),
        ("https://robot:secret@git.example.org/o/r", "https://git.example.org/o/r"),
        ("https://robot:se/cr@et@git.example.org/o/r", "https://git.example.org/o/r"),
        ("https://ghp_secret@git.example.org/o/r", "https://git.example.org/o/r"),
        ("x-access-token:ghp_secret@git.example.org/o/r", "git.example.org/o/r"),
        ("https://git.example.org/o/r?access_token=secret#x", "https://git.example.org/o/r"),
        ("https://git.example.org/scope/@pkg/r", "https://git.example.org/scope/@pkg/r"),
        ("git@git.example.org:o/r", "git@git.example.org:o/r"),
        ("my-repo", "my-repo"),
    ],
)
def test_addresses_without_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
