"""Objects that hold anything: they are counted, what is right in them is used, and they hurt nobody else."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.cr_state.detail import _lines
from agent_observability.cr_state.objects import AgenticSession
from agent_observability.cr_state.session import step
from agent_observability.cr_state.sessions import _reported
from agent_observability.cr_state.view import View
from agent_observability.demo.kube_store import KubeStore
from agent_observability.demo.platform import Platform
from agent_observability.kube.tolerant import Tolerant
from agent_observability.ledger.batch import check_text
from tests.cr_state.expected import Truth, counted, present
from tests.cr_state.living import Life, living, quick
from tests.support import examples, wait_until_async

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["quick"]

_names = itertools.count()


def samples_of(resource: str) -> list[dict[str, Any]]:
    """Objects of a living platform, of all kinds."""
    store = KubeStore()
    platform = Platform(store, now=1_790_000_000, seed=3)
    platform.populate(sessions=40)
    platform.begin()
    platform.run_events(600)
    return list(store.objects(resource))


SAMPLES = {
    name: samples_of(name)
    for name in ("agenticsessions", "rfeworkflows", "projectsettings", "jobs", "pods", "deployments")
}
_WRONG = (None, True, -1, 1.5, 10**30, "", "x" * 5_000, "\x00\ud7ff", [], [None], {}, {"a": None}, [[]])


def paths(found: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of every field, however deep."""
    inside = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [prefix, *(path for key, value in inside for path in paths(value, (*prefix, key)))]


def broken(sample: dict[str, Any], path: tuple[Any, ...], wrong: object) -> dict[str, Any]:
    """The object with one field missing (`...`) or wrong."""
    found: dict[str, Any] = copy.deepcopy(sample)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    if wrong is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = wrong
    return found


@dataclass(frozen=True, slots=True)
class Breakage:
    """A field of a sample that is missing (`...`) or wrong."""

    resource: str
    sample: dict[str, Any]
    path: tuple[Any, ...]
    wrong: object

    def give(self, life: Life) -> None:
        """Let the API tell of such an object, a new one."""
        store, name = life.api.store, f"bad-{next(_names)}"
        meta = {**self.sample["metadata"], "name": name, "namespace": "bad", "uid": name}
        whole = {**self.sample, "metadata": meta | {"resourceVersion": str(store.version + 1)}}
        store.put_raw(self.resource, broken(whole, self.path, self.wrong))


def shape(sample: dict[str, Any]) -> tuple[tuple[Any, ...], ...]:
    """Which fields it has."""
    return tuple(path for path in paths(sample) if not any(isinstance(key, int) for key in path))


def breakages() -> Iterator[Breakage]:
    """Every field of one object of each shape, missing and null; and with something else in turn."""
    wrongs = itertools.cycle(_WRONG[1:])
    for resource, samples in SAMPLES.items():
        shapes = {
            tuple(path for path in paths(one) if not any(isinstance(key, int) for key in path)): one for one in samples
        }
        for sample in shapes.values():
            for path in paths(sample)[1:]:
                for wrong in (..., None, next(wrongs), next(wrongs)):
                    yield Breakage(resource, sample, path, wrong)


async def test_every_field_missing_null_or_wrong(tmp_path: Path) -> None:
    """The good objects' figures are exact all the same."""
    async with living(tmp_path) as life:
        await life.start()
        await life.synced()
        for done, breakage in enumerate(every := list(breakages())):
            breakage.give(life)
            if done % 20 == 0:
                await life.work(5, at_once=5)
        assert len(every) > 2_000
        truth = {**counted(life.platform), **present(life.platform)}
        await wait_until_async(lambda: not _of_good(life, truth), 60, what="the good ones")
        shown = life.samples()
        assert sum(shown["cr_state_decode_errors_total"].values()) > 500
        assert sum(shown["vteam_sessions"][key] for key in shown["vteam_sessions"] if key[0] == "bad") > 100
        assert life.exporter is not None
        assert all(one.reflector.health.synced for one in life.exporter.following.followed)


def _of_good(life: Life, truth: Truth) -> list[str]:
    shown = life.samples()
    return [
        f"{name}{key}"
        for name, of in truth.items()
        for key in {*of, *shown[name]}
        if key[0] in life.platform.estate.projects and abs(shown[name].get(key, 0) - of.get(key, 0)) > 1e-6
    ]


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_json_in_any_place(data: st.DataObject) -> None:
    """Whatever a session holds, a look at it gives facts that the ledger can hold and lines that can be read."""
    leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    anything = st.recursive(leaf, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
    sample = data.draw(st.sampled_from(SAMPLES["agenticsessions"]))
    found = sample
    for _ in range(data.draw(st.integers(1, 4))):
        found = broken(found, data.draw(st.sampled_from(paths(found)[1:])), data.draw(anything))
        if not isinstance(found.get("metadata"), dict):
            break
    session, _ = Tolerant(AgenticSession).decode(msgspec.json.encode(found))
    facts, _ = step(None, session, 1_790_000_000.0)
    again, _ = step(facts, session, 1_790_000_001.0)
    check_text(again.model, again.user)
    text = b"".join(_lines(View(again, reported=_reported(session.status)))).decode()
    assert list(text_string_to_metric_families(text))
