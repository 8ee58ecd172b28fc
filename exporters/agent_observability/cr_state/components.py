"""The platform's own parts: deployments, how often their containers restart, and whether they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import Deployment, Pod, epoch
from agent_observability.cr_state.scene import EVERYWHERE, Scene
from agent_observability.cr_state.text import clean
from agent_observability.exposition import RenderedFamily
from agent_observability.metric import Metric
from agent_observability.series import SeriesStore

__all__ = ["CONTAINER", "ComponentGauges", "ComponentPods", "Components"]

CONTAINER = "container"
"""Kind of the facts about containers, by the pod's uid, component and name: restarts that are counted."""

_VERSION = "app.kubernetes.io/version"
# More would be no number that a sample can hold.
_MAX_DIGITS = 15
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A deployment. `generation` is its revision, where the cluster says so; `created` is Unix time."""

    ready: int
    desired: int
    version: str
    generation: int | None
    created: float


class ComponentGauges:
    """Several deployments of one component add up; the one created last gives version and generation."""

    def __init__(self, store: SeriesStore, components: Mapping[str, str]) -> None:
        self._store = store
        self._rollouts: dict[str, dict[str, Rollout]] = {name: {} for name in components}
        self._versions: dict[str, str] = {}

    def set(self, component: str, uid: str, rollout: Rollout | None) -> None:
        """A deployment is as it is, or (None) gone; a component without any is not shown."""
        rollouts = self._rollouts[component]
        if rollout is None:
            rollouts.pop(uid, None)
        else:
            rollouts[uid] = rollout
        there = bool(rollouts)
        newest = max(rollouts.values(), key=lambda one: (one.created, one.generation or 0), default=None)
        self._set(m.COMPONENT_READY, component, sum(one.ready for one in rollouts.values()) if there else None)
        self._set(m.COMPONENT_DESIRED, component, sum(one.desired for one in rollouts.values()) if there else None)
        self._set(m.COMPONENT_GENERATION, component, newest.generation if newest else None)
        version = newest.version if newest else ""
        if (old := self._versions.pop(component, "")) and old != version:
            self._store.remove(m.COMPONENT_INFO, (component, old))
        if version:
            self._versions[component] = version
            self._store.set(m.COMPONENT_INFO, (component, version), 1)

    def _set(self, metric: Metric, component: str, value: int | None) -> None:
        if value is None:
            self._store.remove(metric, (component,))
        else:
            self._store.set(metric, (component,), value)

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
            created=epoch(found.metadata.creation_timestamp) or 0.0,
        )

    def show(self, uid: str, look: Rollout, *, live: bool) -> None:
        self._gauges.set(self._component, uid, look)

    def drop(self, uid: str) -> None:
        self._gauges.set(self._component, uid, None)


class ComponentPods(Follower[Pod, dict[str, int]]):
    """Pods of one component: restarts of their containers.

    `facts` are the stored ones of all components. `selection` names the pods: what another one finds first is history.
    """

    def __init__(self, scene: Scene, component: str, selection: str, facts: Mapping[str, bytes]) -> None:
        super().__init__("pods", Pod, scene)
        self._component = component
        self._scope = f"pods:{component}:{selection}"
        # Restarts that are counted, by the pod's uid and the container's name.
        self._counted: dict[str, dict[str, int]] = {}
        for key, data in facts.items():
            uid, _, rest = key.partition("/")
            of, _, name = rest.rpartition("/")
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
        self.recorder.fact(CONTAINER, f"{uid}/{self._component}/{name}", data)


def _version(found: Deployment) -> str:
    """What the deployment says of itself, else the tag of its first image."""
    meta = found.metadata
    for notes in (meta.annotations, meta.labels):
        if notes and notes.get(_VERSION):
            return notes[_VERSION]
    images = [container.image for container in found.spec.template.spec.containers or ()]
    return images[0].partition("@")[0].rpartition("/")[2].partition(":")[2] if images else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit() else None
