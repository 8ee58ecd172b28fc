"""Objects as lists and watches tell of them: each look taken once, and always a whole picture."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.lists import AdoptionSink, ScopeSink
from agent_observability.cr_state.objects import Object
from agent_observability.cr_state.scene import Baselines, Namespaces, Scene
from tests.cr_state.test_recorder import Kind, idle, listed, raw, recording, watched


class Thing(Object):
    """An object with a number."""

    number: int | None = None


class Things(Follower[Thing, int]):
    """`picture` is what is shown, by uid; `told` is all that was, in order."""

    def __init__(self, scene: Scene) -> None:
        super().__init__("jobs", Thing, scene)
        self.picture: dict[str, int] = {}
        self.told: list[tuple[str, int | None, bool]] = []
        self.ended: list[str] = []

    def look(self, uid: str, found: Thing) -> int:
        return found.number or 0

    def show(self, uid: str, look: int, *, live: bool) -> None:
        assert self.curtain.lock.locked()
        self.picture[uid] = look
        self.told.append((uid, look, live))

    def drop(self, uid: str) -> None:
        assert self.curtain.lock.locked()
        del self.picture[uid]
        self.told.append((uid, None, False))

    def listed(self, scope: str) -> None:
        self.ended.append(f"listed {scope}")

    def missing(self, scope: str) -> None:
        self.ended.append(f"missing {scope}")


def thing(uid: str, version: int | str, number: int, namespace: str = "a", **meta: object) -> dict[str, Any]:
    named = {"name": f"n{uid}", "namespace": namespace, "uid": uid, "resourceVersion": str(version), **meta}
    return {"metadata": named, "number": number}


@pytest.fixture
def things(tmp_path: Path) -> Things:
    recorder = idle(tmp_path)
    return Things(Scene(recorder, Baselines((), recorder), Namespaces(every=False, names=("a", "b"))))


async def test_a_list_and_a_watch(things: Things) -> None:
    await listed(things, thing("1", 5, 10), thing("2", 6, 20, "b"))
    assert (things.picture, len(things), things.ended) == ({"1": 10, "2": 20}, 2, ["listed "])
    await watched(things, thing("3", 7, 30), kind="ADDED")
    await watched(things, thing("1", 8, 11))
    await watched(things, thing("2", 9, 21, "b"), kind="DELETED")
    assert (things.picture, len(things)) == ({"1": 11, "3": 30}, 2)
    # An object may have moved on before it went.
    assert things.told[2:] == [("3", 30, True), ("1", 11, True), ("2", 21, True), ("2", None, False)]


@pytest.mark.parametrize(
    ("known", "version", "taken"),
    [("9", "10", True), ("10", "9", False), ("10", "10", False), ("abc", "abc", False), ("b", "a", True)],
)
async def test_replayed_versions(known: str, version: str, taken: bool, things: Things) -> None:
    """Numbers are compared as such; of other versions only the same one is old."""
    await watched(things, thing("1", known, 1), kind="ADDED")
    await watched(things, thing("1", version, 2))
    assert things.picture == {"1": 2 if taken else 1}
    await watched(things, thing("1", version, 2), kind="DELETED")
    assert things.picture == ({"1": 1} if not taken else {"1": 2})


async def test_a_replay_does_not_revive_what_is_gone(things: Things) -> None:
    history = [("ADDED", 5), ("MODIFIED", 6), ("DELETED", 7)]
    for _ in range(2):
        for kind, version in history:
            await watched(things, thing("1", version, version), kind=kind)  # type: ignore[arg-type]
    assert things.picture == {}
    assert [look for _, look, _ in things.told] == [5, 6, 7, None]


async def test_what_came_and_went_unseen_never_was(things: Things) -> None:
    await watched(things, thing("1", 7, 1), kind="DELETED")
    await watched(things, thing("1", 6, 1), kind="MODIFIED")
    assert things.told == []


async def test_a_list_that_breaks_off_changes_nothing(things: Things) -> None:
    await listed(things, thing("1", 1, 1), thing("2", 1, 1))
    told = list(things.told)
    listing = ScopeSink(things).listing()
    listing.add(raw(thing("1", 2, 2)))
    listing.add(raw(thing("3", 2, 2)))
    assert (things.picture, things.told, things.ended) == ({"1": 1, "2": 1}, told, ["listed "])
    await listed(things, thing("1", 3, 3))
    assert things.picture == {"1": 3}


async def test_what_has_not_changed_is_not_looked_at_again(things: Things) -> None:
    await listed(things, thing("1", 1, 1), thing("2", 1, 1))
    await listed(things, thing("1", 1, 1), thing("2", 2, 2))
    assert [(uid, look) for uid, look, _ in things.told] == [("1", 1), ("2", 1), ("2", 2)]


async def test_a_list_of_one_namespace_leaves_the_others_alone(things: Things) -> None:
    await listed(things, thing("1", 1, 1, "a"), scope="a")
    await listed(things, thing("2", 1, 1, "b"), scope="b")
    await listed(things, scope="a")
    assert (things.picture, things.ended) == ({"2": 1}, ["listed a", "listed b", "listed a"])
    await ScopeSink(things, "a").missing()
    assert things.picture == {"2": 1}
    await ScopeSink(things, "b").missing()
    assert (things.picture, things.ended[3:]) == ({}, ["missing a", "missing b"])


async def test_other_namespaces_are_not_followed(things: Things) -> None:
    await listed(things, thing("1", 1, 1, "c"), thing("2", 1, 1, "b"))
    await watched(things, thing("3", 2, 1, "c"), kind="ADDED")
    assert things.picture == {"2": 1}


async def test_a_namespace_that_is_unwanted_and_wanted_again(things: Things) -> None:
    """Its objects come back as they are, however old."""
    await listed(things, thing("1", 1, 1, "a"), thing("2", 1, 1, "b"))
    things._wanted.names.discard("a")
    things.unwanted()
    assert things.picture == {"2": 1}
    things._wanted.names.add("a")
    adoption = AdoptionSink(things, "a").listing()
    adoption.add(raw(thing("1", 1, 1, "a")))
    assert not things.baselines.passed("jobs", "a")
    await adoption.finish()
    assert things.picture == {"1": 1, "2": 1}
    assert things.baselines.passed("jobs", "a")


async def test_what_is_adopted_meanwhile_is_newer_than_a_list(things: Things) -> None:
    listing = ScopeSink(things).listing()
    listing.add(raw(thing("1", 1, 1)))
    adoption = AdoptionSink(things, "a").listing()
    adoption.add(raw(thing("1", 2, 2)))
    adoption.add(raw(thing("2", 2, 2)))
    await listing.finish()
    assert things.picture == {"1": 2, "2": 2}


BAD: dict[str, tuple[object, list[str], int | None]] = {
    "a field of the wrong type": (thing("1", 1, 0) | {"number": "many"}, ["number"], 0),
    "deep inside": (thing("1", 1, 7, labels={"x": 5, "y": "z"}), ["metadata.labels.*"], 7),
    "twice": (thing("1", 1, 7, labels=5, annotations="x"), ["metadata.labels", "metadata.annotations"], 7),
    "a time that is none": (thing("1", 1, 7, creationTimestamp="yesterday"), ["metadata.creationTimestamp"], 7),
    "no uid": (thing("", 1, 7), ["metadata.uid"], None),
    "no names": ({"metadata": {"uid": "1"}}, ["metadata.name", "metadata.namespace"], None),
    "a name that is none": (thing("1", 1, 7, name=5), ["metadata.name"], None),
    "no object": ([1], ["object"], None),
    "not even JSON": (b'{"metadata', ["object"], None),
}


@pytest.mark.parametrize("way", ["list", "watch"])
@pytest.mark.parametrize("bad", BAD)
async def test_malformed_objects(bad: str, way: str, tmp_path: Path) -> None:
    """What is wrong is counted by field; the rest of the object, and all others, are used."""
    given, fields, shown = BAD[bad]
    async with recording(tmp_path) as books:
        things = Things(books.scene())
        if way == "list":
            await listed(things, given, thing("2", 1, 2))
        else:
            await watched(things, given, thing("2", 1, 2), kind="ADDED")
        assert things.picture == {"2": 2} | ({} if shown is None else {"1": shown})
        await books.shows(m.DECODE_ERRORS, *(f'{{resource="jobs",field="{field}"}} 1' for field in fields))


async def test_an_object_that_becomes_malformed_stays_as_it_was(things: Things) -> None:
    await listed(things, thing("1", 1, 1), thing("2", 1, 1))
    nameless = {"metadata": {"uid": "1", "resourceVersion": "2"}}
    await watched(things, nameless)
    await listed(things, nameless, thing("2", 3, 3))
    assert things.picture == {"1": 1, "2": 3}
    await watched(things, {"metadata": {"uid": "1", "resourceVersion": "4"}}, kind="DELETED")
    assert things.picture == {"2": 3}


async def test_the_gone_are_not_remembered_without_end(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.cr_state.follower._GONE_KEPT", 3)
    for uid in "12345":
        await watched(things, thing(uid, 1, 1), kind="ADDED")
        await watched(things, thing(uid, 2, 1), kind="DELETED")
    assert list(things._gone) == ["3", "4", "5"]


steps = st.lists(st.tuples(st.sampled_from(["put", "put", "delete", "replay", "list", "broken"]), st.integers(0, 5)))


@given(steps)
def test_any_history_ends_in_the_truth(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    """Changes, replays of any length, and lists at any time; a uid never comes back."""

    async def live() -> None:
        recorder = idle(tmp_path_factory.getbasetemp())
        things = Things(Scene(recorder, Baselines((), recorder), Namespaces(every=True)))
        truth: dict[int, dict[str, Any]] = {}
        log: list[tuple[Kind, dict[str, Any]]] = []
        for version, (what, of) in enumerate(steps, 1):
            known = truth.get(of)
            uid = known["metadata"]["uid"] if known else f"{of} of {version}"
            if what == "put":
                truth[of] = thing(uid, version, version)
                log.append(("MODIFIED" if known else "ADDED", truth[of]))
                await watched(things, truth[of], kind=log[-1][0])
            elif what == "delete" and known:
                log.append(("DELETED", thing(uid, version, version)))
                await watched(things, log[-1][1], kind="DELETED")
                del truth[of]
            elif what == "replay":
                for kind, one in log[-of:]:
                    await watched(things, one, kind=kind)
            elif what == "list":
                await listed(things, *truth.values())
            elif what == "broken":
                ScopeSink(things).listing().add(raw(thing("unseen", version, 0)))
            assert things.picture == {one["metadata"]["uid"]: one["number"] for one in truth.values()}

    asyncio.run(live())
