"""A reflector and everything an API server may do to it; in the end its picture is that of the server."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.kube import wire as module
from agent_observability.kube.credentials import KubernetesConfig
from agent_observability.kube.errors import KubeError
from agent_observability.kube.sink import Resource
from tests.kube.following import Following, following
from tests.support import wait_until_async


async def settled(it: Following) -> None:
    """Listed once, and watching."""
    await it.agreed()
    await wait_until_async(lambda: it.api.asked["watch", "example.org", "things"] > 0)


async def test_a_list_in_pages_then_a_watch() -> None:
    async with following() as it:
        await settled(it)
        assert it.api.asked == {("list", "example.org", "things"): 3, ("watch", "example.org", "things"): 1}
        it.put("o3", n="changed")
        it.put("new")
        it.store.delete("things", "a", "o0")
        await it.agreed()
        kinds = [kind for kind, _ in it.picture.changes]
        assert kinds == ["MODIFIED", "ADDED", "MODIFIED", "DELETED"] or kinds == ["ADDED", "ADDED", "DELETED"]
        assert it.picture.lists == 1
        health = it.reflector.health
        assert (health.synced, health.problem, health.lists) == (True, "", {"ok": 1})
        assert health.last_event >= health.last_sync > 1e9


async def test_a_namespace_and_a_selector() -> None:
    resource = Resource("things", "/apis/example.org/v1/namespaces/b/things", labels="app=x,!old")
    async with following(resource=resource) as it:
        await wait_until_async(lambda: it.picture.lists == 1)
        assert it.picture.objects == {}
        for name, namespace, labels in (
            ("right", "b", {"app": "x"}),
            ("elsewhere", "a", {"app": "x"}),
            ("other", "b", {"app": "y"}),
            ("old", "b", {"app": "x", "old": ""}),
        ):
            meta = {"name": name, "namespace": namespace, "labels": labels}
            it.store.put("things", {"metadata": meta})
        await wait_until_async(lambda: len(it.picture.objects) == 1)
        assert [one["metadata"]["name"] for one in it.picture.objects.values()] == ["right"]


async def test_watches_that_end_go_on_without_a_list() -> None:
    """By their time-out, and cut in the middle of a line."""
    async with following(watch_seconds=1) as it:
        await settled(it)
        await wait_until_async(lambda: it.reflector.health.watches["ok"] >= 1)
        for number in range(5):
            it.put(f"new{number}")
            it.api.cut()
            it.put(f"more{number}")
            await it.agreed()
        assert it.picture.lists == 1
        assert it.reflector.health.watches["error"] >= 1


async def test_a_bookmark_moves_the_version_on() -> None:
    """Other resources' changes compact the log; a watch that has seen a later bookmark need not list again."""
    async with following() as it:
        await settled(it)
        for number in range(50):
            it.store.put("others", {"metadata": {"name": f"x{number}"}})
        last = it.store.version
        await wait_until_async(lambda: int(it.reflector._version) >= last, what="a bookmark")
        it.store.compact()
        it.api.cut()
        it.put("new")
        await it.agreed()
        assert it.picture.lists == 1
        assert it.reflector.health.events["BOOKMARK"] >= 1


async def test_compacted_while_watching() -> None:
    """An ERROR event with 410: a new list, the old picture until it is complete."""
    async with following() as it:
        await settled(it)
        it.api.faults.down = True
        it.api.cut()
        it.put("new")
        it.store.delete("things", "a", "o0")
        it.store.compact()
        it.api.faults.down = False
        await it.agreed()
        assert it.picture.lists == 2
        assert it.reflector.health.watches["gone"] == 1
        assert it.reflector.health.synced


async def test_compacted_in_the_middle_of_a_list() -> None:
    async with following() as it:
        await settled(it)
        seen: list[bool] = []
        original = it.store.page

        def page(resource: str, **options: object) -> object:
            if options["token"] and not seen:
                seen.append(True)
                it.store.compact()
            return original(resource, **options)  # type: ignore[arg-type]

        it.store.page = page  # type: ignore[method-assign,assignment]
        before = dict(it.picture.objects)
        it.api.faults.status[410] = 1
        it.api.cut()
        await wait_until_async(lambda: it.reflector.health.lists["gone"] == 1)
        assert it.picture.objects == before
        await it.agreed()
        assert seen
        assert it.picture.broken_off == 1


@pytest.mark.parametrize(
    ("status", "result"), [(500, "error"), (503, "error"), (429, "throttled"), (403, "denied"), (404, "missing")]
)
async def test_refusals_of_all_kinds(status: int, result: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the watch and in the list; it says what is wrong for as long as it is."""
    monkeypatch.setattr("agent_observability.kube.client._RETRY_AFTER_SECONDS", (0.01, 0.05))
    async with following() as it:
        await settled(it)
        it.api.faults.status[status] = 3
        it.put("new")
        it.api.cut()
        await wait_until_async(lambda: not +it.api.faults.status)
        await it.agreed()
        health = it.reflector.health
        await wait_until_async(lambda: health.problem == "")
        # The cut itself is an error, too.
        assert health.lists[result] + health.watches[result] in ((3, 4) if result == "error" else (3,))


async def test_a_resource_that_is_installed_later() -> None:
    """404 is normal for it; nothing else waits."""
    async with following() as it:
        await settled(it)
        it.api.faults.absent = {"things"}
        it.api.cut()
        await wait_until_async(lambda: not it.reflector.health.synced)
        assert "404: the server could not find" in it.reflector.health.problem
        it.put("new")
        it.api.faults.absent = set()
        await it.agreed()
        assert it.reflector.health.synced


async def test_an_api_that_is_down_for_a_while() -> None:
    async with following() as it:
        await settled(it)
        it.api.faults.down = True
        it.api.cut()
        for number in range(10):
            it.put(f"o{number}", n=-number)
        it.store.delete("things", "b", "o11")
        await wait_until_async(lambda: it.reflector.health.watches["error"] > 2)
        assert it.reflector.health.problem
        it.api.faults.down = False
        await it.agreed()
        assert it.picture.lists == 1


async def test_a_token_that_is_rotated(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    async with following(KubernetesConfig(token_path=token)) as it:
        await settled(it)
        it.api.faults.token = "second"
        it.api.cut()
        await wait_until_async(lambda: it.reflector.health.watches["error"] > 1)
        assert "401: Unauthorized" in it.reflector.health.problem
        assert "first" not in it.reflector.health.problem
        token.write_text("second")
        it.put("new")
        await it.agreed()
        assert it.picture.lists == 1


async def test_objects_of_megabytes() -> None:
    async with following(page=500) as it:
        await settled(it)
        it.put("large", text="x" * 5_000_000)
        await it.agreed()


async def test_a_server_that_ends_every_watch_at_once_is_not_asked_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    async with following(watch_seconds=0) as it:
        await wait_until_async(lambda: it.reflector.health.watches["ok"] >= 3)
        begun = it.api.asked["watch", "example.org", "things"]
        await asyncio.sleep(0.5)
        assert it.api.asked["watch", "example.org", "things"] - begun < 20


async def test_thousands_of_random_changes_and_faults() -> None:
    """Replays, cuts, compactions and outages in any order."""
    choice = random.Random(5)
    async with following(page=50) as it:
        await settled(it)
        for number in range(3_000):
            name, namespace = f"o{choice.randrange(300)}", choice.choice("ab")
            if choice.random() < 0.3 and ((namespace, name) in it.store._objects["things"]):
                it.store.delete("things", namespace, name)
            else:
                it.put(name, namespace, n=number)
            if choice.random() < 0.02:
                await asyncio.sleep(0.01)
                fault = choice.choice(("cut", "compact", "down", "500", "410"))
                if fault == "cut":
                    it.api.cut()
                elif fault == "compact":
                    it.store.compact()
                elif fault == "down":
                    it.api.faults.down = True
                    it.api.cut()
                    await asyncio.sleep(0.02)
                    it.api.faults.down = False
                else:
                    it.api.faults.status[int(fault)] += 1
                    it.api.cut()
        await it.agreed(20)
        assert it.picture.lists >= 2


class Chunks:
    """A stream that comes in the given pieces."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    async def iter_any(self) -> object:
        for chunk in self._chunks:
            yield chunk


async def split(chunks: list[bytes]) -> list[bytes]:
    return [line async for line in module.lines(Chunks(chunks))]  # type: ignore[arg-type]


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 30), max_size=30))
def test_lines_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    """What stands before the last newline comes out; an unfinished end does not."""
    body = b"".join(line.replace(b"\n", b" ") + b"\n" for line in lines) + b"unfinished"
    chunks, at = [], 0
    for cut in cuts:
        chunks.append(body[at : at + cut])
        at += cut
    chunks.append(body[at:])
    expected = [line.replace(b"\n", b" ") for line in lines if line.replace(b"\n", b" ").strip()]
    assert asyncio.run(split(chunks)) == expected


async def test_a_line_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINE_BYTES", 1000)
    with pytest.raises(KubeError, match="a watch event is larger than"):
        await split([b"x" * 600, b"y" * 600])


async def test_answers_that_are_no_lists_are_not_asked_for_in_a_circle() -> None:
    """A proxy that answers `{}`: nobody is told that everything is gone, and the API is not flooded."""
    async with following() as it:
        await it.agreed()
        it.api.faults.empty = True
        it.store.compact()
        it.api.cut()
        asked = sum(it.api.asked.values())
        await asyncio.sleep(0.5)
        assert it.picture.objects
        assert sum(it.api.asked.values()) - asked < 40
        it.api.faults.empty = False
        await it.agreed()


async def test_a_version_that_the_api_does_not_have_yet() -> None:
    """504 "Too large resource version", as after a restored backup: only a list helps."""
    async with following() as it:
        await it.agreed()
        it.api.faults.status[504] += 1
        it.api.cut()
        it.put("o1", n="new")
        await it.agreed()
        assert it.picture.lists == 2
