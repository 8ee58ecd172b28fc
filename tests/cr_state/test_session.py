"""Sessions of both generations, look by look: what is known afterwards, and what has happened."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent_observability.cr_state.objects import AgenticSession, Meta, epoch
from agent_observability.cr_state.session import Created, Ended, Facts, Happening, Moved, Restarted, Started, step

T0 = 1_790_000_000.0


def at(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(T0 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def first(status: dict[str, Any] | None = None, **spec: object) -> AgenticSession:
    """An object of the first generation."""
    given = {
        "metadata": {"name": "s", "namespace": "p", "uid": "u", "creationTimestamp": at(0)},
        "spec": {"prompt": "do", "llmSettings": {"model": "sonnet"}, "userContext": {"userId": "kim"}, **spec},
        **({"status": status} if status is not None else {}),
    }
    return msgspec.convert(given, AgenticSession)


def newer(status: dict[str, Any] | None = None, labels: dict[str, str] | None = None, **spec: object) -> AgenticSession:
    given = {
        "metadata": {"name": "s", "namespace": "p", "uid": "u", "creationTimestamp": at(0), "labels": labels},
        "spec": {"initialPrompt": "do", **spec},
        "status": {"observedGeneration": 1, **(status or {})},
    }
    return msgspec.convert(given, AgenticSession)


def bare(**spec: object) -> AgenticSession:
    """Without a prompt of either generation."""
    return msgspec.convert({"metadata": {"name": "s", "namespace": "p"}, "spec": spec}, AgenticSession)


def condition(kind: str, status: str = "True", **fields: str) -> dict[str, str]:
    return {"type": kind, "status": status, **fields}


RUNNER = [condition("RunnerStarted", lastTransitionTime=at(40))]
Look = tuple[float, AgenticSession, list[Happening]]

STORIES: dict[str, list[Look]] = {
    "first generation, from its creation to its end": [
        (1, first(), [Created()]),
        (5, first({"phase": "Creating"}), [Moved("pending", "creating")]),
        (20, first({"phase": "Running", "startTime": at(10)}), [Moved("creating", "running"), Started(10)]),
        (21, first({"phase": "Running", "startTime": at(10)}), []),
        (
            99,
            first({"phase": "Completed", "startTime": at(10), "completionTime": at(90)}),
            [Moved("running", "completed"), Ended("completed", "none", 90, 80)],
        ),
        (120, first({"phase": "Completed", "startTime": at(10), "completionTime": at(90)}), []),
    ],
    "newer generation: startTime is the begin of the queue": [
        (1, newer({"phase": "Pending", "startTime": at(0)}), [Created()]),
        (
            50,
            newer({"phase": "Running", "startTime": at(0), "conditions": RUNNER}),
            [Moved("pending", "running"), Started(40)],
        ),
        (60, newer({"phase": "Stopping", "startTime": at(0), "conditions": RUNNER}), [Moved("running", "stopping")]),
        (
            70,
            newer(
                {
                    "phase": "Stopped",
                    "completionTime": at(65),
                    "stoppedReason": "inactivity",
                    "conditions": RUNNER,
                }
            ),
            [Moved("stopping", "stopped"), Ended("stopped", "inactivity", 65, 25)],
        ),
    ],
    "a restart does not undo the first end": [
        (
            100,
            first({"phase": "Completed", "startTime": at(10), "completionTime": at(90)}),
            [Created(), Started(10), Ended("completed", "none", 90, 80)],
        ),
        (200, first({"phase": "Running", "startTime": at(190)}), [Moved("completed", "running"), Restarted()]),
        (
            300,
            first({"phase": "Failed", "startTime": at(190), "completionTime": at(290), "message": "crashed"}),
            [Moved("running", "failed")],
        ),
    ],
    "a restart of which nobody saw the end before": [
        (20, first({"phase": "Running", "startTime": at(10)}), [Created(), Started(10)]),
        (200, first({"phase": "Running", "startTime": at(190)}), [Restarted()]),
    ],
    "a restart whose new start comes after its phase, and once more": [
        (
            99,
            first({"phase": "Completed", "startTime": at(10), "completionTime": at(90)}),
            [Created(), Started(10), Ended("completed", "none", 90, 80)],
        ),
        (100, first({"phase": "Pending", "startTime": at(10)}), [Moved("completed", "pending"), Restarted()]),
        (101, first({"phase": "Pending", "startTime": at(101)}), []),
        (102, first({"phase": "Creating", "startTime": at(102)}), [Moved("pending", "creating")]),
        (103, first({"phase": "Running", "startTime": at(102)}), [Moved("creating", "running")]),
        (200, first({"phase": "Running", "startTime": at(190)}), [Restarted()]),
    ],
    "a restart that is seen while it waits": [
        (20, newer({"phase": "Running", "startTime": at(1), "conditions": RUNNER}), [Created(), Started(40)]),
        (90, newer({"phase": "Pending", "startTime": at(80)}), [Moved("running", "pending"), Restarted()]),
        (95, newer({"phase": "Running", "startTime": at(80)}), [Moved("pending", "running")]),
    ],
    "an end that becomes something unknown is no restart": [
        (
            99,
            first({"phase": "Completed", "startTime": at(10), "completionTime": at(90)}),
            [Created(), Started(10), Ended("completed", "none", 90, 80)],
        ),
        (100, first({"phase": "Archived", "startTime": at(10)}), [Moved("completed", "other")]),
    ],
    "a failure without a completionTime ends when it is first seen": [
        (20, first({"phase": "Running", "startTime": at(10)}), [Created(), Started(10)]),
        (
            77,
            first({"phase": "Failed", "startTime": at(10), "message": "Job timed out"}),
            [Moved("running", "failed"), Ended("failed", "timeout", 77, 67)],
        ),
        (99, first({"phase": "Failed", "startTime": at(10), "message": "Job timed out"}), []),
    ],
    "one that never ran": [
        (1, newer({"phase": "Pending"}), [Created()]),
        (
            9,
            newer({"phase": "Failed", "conditions": [condition("Ready", "False", reason="ErrImagePull")]}),
            [Moved("pending", "failed"), Ended("failed", "image_pull", 9, None)],
        ),
    ],
    "phases nobody knows": [
        (1, first({"phase": "Dreaming"}), [Created()]),
        (2, first({"phase": ""}), [Moved("other", "pending")]),
    ],
    "clocks that disagree": [
        (
            5,
            first({"phase": "Completed", "startTime": at(-20), "completionTime": at(-10)}),
            [Created(), Started(0), Ended("completed", "none", 0, 10)],
        ),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str) -> None:
    facts = None
    for seconds, session, expected in STORIES[story]:
        facts, happened = step(facts, session, T0 + seconds)
        assert happened == expected, f"at {seconds} s"
        # It outlives the process in the ledger.
        assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


@pytest.mark.parametrize(
    ("session", "mode"),
    [
        (first(interactive=True), "interactive"),
        (first(interactive=False), "batch"),
        (first(), "batch"),
        (newer(), "interactive"),
        (newer(stopOnRunFinished=True), "batch"),
        (newer(stopOnRunFinished=False), "interactive"),
        (newer(labels={"ambient-code.io/scheduled-run": "x"}), "batch"),
        # Before anybody has looked at it, an object of the newer generation may show no more than this.
        (bare(repos=[{"url": "https://git.example.org/x", "branch": "main"}]), "interactive"),
        (bare(), "interactive"),
        (bare(repos=[{"input": {"url": "https://git.example.org/x"}}]), "batch"),
        (bare(autoPushOnComplete=True), "batch"),
    ],
)
def test_modes(session: AgenticSession, mode: str) -> None:
    facts, _ = step(None, session, T0)
    assert facts.mode == mode


def test_what_was_first_seen_stays() -> None:
    """`interactive` may flip to true, and the model may be edited; the session is counted as what it began as."""
    facts, _ = step(None, first(interactive=False, repos=[{}, {}]), T0)
    facts, happened = step(facts, first(interactive=True, repos=[{}], llmSettings={"model": "opus"}), T0 + 1)
    assert (facts.mode, facts.model, facts.repos, facts.user) == ("batch", "sonnet", "2", "kim")
    assert happened == []


@pytest.mark.parametrize(("repos", "bucket"), [(None, "1"), ([], "1"), ([{}], "1"), ([{}] * 2, "2"), ([{}] * 9, "3+")])
def test_buckets_of_repositories(repos: list[object] | None, bucket: str) -> None:
    assert step(None, first(repos=repos), T0)[0].repos == bucket


def test_an_object_with_nothing_in_it() -> None:
    facts, happened = step(None, AgenticSession(), T0)
    assert (facts.created, facts.phase, happened) == (T0, "pending", [Created()])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-09-21T14:13:20Z", T0),
        ("2026-09-21T16:13:20.5+02:00", T0 + 0.5),
        ("2026-09-21T14:13:20", T0),
        ("0001-01-01T00:00:00+14:00", -62135647200.0),
        (None, None),
    ],
)
def test_times(text: str | None, seconds: float | None) -> None:
    found = msgspec.convert({"creationTimestamp": text}, Meta)
    assert epoch(found.creation_timestamp) == seconds
