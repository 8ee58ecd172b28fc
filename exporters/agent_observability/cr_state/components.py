"""The platform's own parts: deployments, how often their containers restart, and whether they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import EVERYWHERE, Follower, Scene
from agent_observability.cr_state.objects import Deployment, Pod
from agent_observability.cr_state.text import clean
from agent_observability.exposition import RenderedFamily
from agent_observability.series import SeriesStore

__all__ = ["CONTAINER", "ComponentGauges", "ComponentPods", "Components"]

CONTAINER = "container"
"""Kind of the facts about containers, by component, the pod's uid and their name: restarts that are counted."""

_VERSION = "app.kubernetes.io/version"
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A deployment. `generation` is its revision, where the cluster says so."""

    ready: int
    desired: int
    version: str
    generation: int | None


class ComponentGauges:
    """Several deployments of one component add up; the newest one gives the version."""

    def __init__(self, store: SeriesStore, components: Mapping[str, str]) -> None:
        self._store = store
        self._rollouts: dict[str, dict[str, Rollout]] = {name: {} for name in components}
        self._versions: dict[str, str] = {}

    def set(self, component: str, uid: str, rollout: Rollout | None) -> None:
        rollouts = self._rollouts[component]
        if rollout is None:
            rollouts.pop(uid, None)
        else:
            rollouts[uid] = rollout
        store, labels = self._store, (component,)
        store.set(m.COMPONENT_READY, labels, sum(one.ready for one in rollouts.values()))
        store.set(m.COMPONENT_DESIRED, labels, sum(one.desired for one in rollouts.values()))
        newest = max(rollouts.values(), key=lambda one: one.generation or 0, default=None)
        version = newest.version if newest else ""
        if (old := self._versions.pop(component, "")) != version and old:
            store.remove(m.COMPONENT_INFO, (component, old))
        if version:
            self._versions[component] = version
            store.set(m.COMPONENT_INFO, (component, version), 1)
        if newest is not None and newest.generation is not None:
            store.set(m.COMPONENT_GENERATION, labels, newest.generation)
        else:
            store.remove(m.COMPONENT_GENERATION, labels)

    def families(self) -> list[RenderedFamily]:
        return self._store.collect()


class Components(Follower[Deployment, Rollout]):
    """Deployments of one component."""

    def __init__(self, scene: Scene, component: str, gauges: ComponentGauges) -> None:
        super().__init__("deployments", Deployment, scene)
        self._component = component
        self._gauges = gauges

    def look(self, uid: str, found: Deployment) -> Rollout:
        desired = found.spec.replicas
        return Rollout(
            ready=max(0, found.status.ready_replicas or 0),
            desired=1 if desired is None else max(0, desired),
            version=clean(_version(found)),
            generation=_number((found.metadata.annotations or {}).get(_REVISION)),
        )

    def show(self, uid: str, look: Rollout, *, live: bool) -> None:
        self._gauges.set(self._component, uid, look)

    def drop(self, uid: str) -> None:
        self._gauges.set(self._component, uid, None)


class ComponentPods(Follower[Pod, dict[str, int]]):
    """Pods of one component: restarts of their containers. `facts` are the stored ones of all components."""

    def __init__(self, scene: Scene, component: str, facts: Mapping[str, bytes]) -> None:
        super().__init__("pods", Pod, scene)
        self._component = component
        self._scope = f"pods:{component}"
        # Restarts that are counted, by the pod's uid and the container's name.
        self._counted: dict[str, dict[str, int]] = {}
        for key, data in facts.items():
            of, uid, name = key.split("/", 2)
            if of == component:
                self._counted.setdefault(uid, {})[name] = int(data)

    def look(self, uid: str, found: Pod) -> dict[str, int]:
        return {clean(one.name): max(0, one.restart_count) for one in found.status.container_statuses or ()}

    def show(self, uid: str, look: dict[str, int], *, live: bool) -> None:
        new = self.baselines.passed(self._scope, EVERYWHERE)
        counted = self._counted.setdefault(uid, {})
        for name, restarts in look.items():
            before = counted.get(name, 0 if new else restarts)
            if restarts > before:
                self.recorder.count(m.COMPONENT_RESTARTS, (self._component,), restarts - before)
            if counted.get(name) != restarts:
                counted[name] = restarts
                self._remember(uid, name, b"%d" % restarts)

    def drop(self, uid: str) -> None:
        for name in self._counted.pop(uid, ()):
            self._remember(uid, name, None)

    def listed(self, scope: str) -> None:
        self.baselines.pass_(self._scope, scope)
        # What went while nobody looked.
        for uid in [uid for uid in self._counted if not self.known(uid)]:
            self.drop(uid)

    def _remember(self, uid: str, name: str, data: bytes | None) -> None:
        self.recorder.fact(CONTAINER, f"{self._component}/{uid}/{name}", data)


def _version(found: Deployment) -> str:
    """What the deployment says of itself, else the tag of its first image."""
    meta = found.metadata
    for notes in (meta.annotations, meta.labels):
        if notes and notes.get(_VERSION):
            return notes[_VERSION]
    images = [container.image for container in found.spec.template.spec.containers or ()]
    return images[0].partition("@")[0].rpartition("/")[2].partition(":")[2] if images else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
