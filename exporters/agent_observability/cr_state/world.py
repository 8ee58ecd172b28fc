"""One picture of the platform, from the ledger's facts on: what follows the API, and what draws the picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state import resources
from agent_observability.cr_state.activity import KEPT_SECONDS
from agent_observability.cr_state.adoption import COMPLETION, PROJECT, USER, Adoption, Projects
from agent_observability.cr_state.components import CONTAINER, ComponentGauges, ComponentPods, Components
from agent_observability.cr_state.config import CrStateConfig
from agent_observability.cr_state.curtain import Curtain, Scenery
from agent_observability.cr_state.detail import Detail
from agent_observability.cr_state.follower import AnyFollower
from agent_observability.cr_state.following import Following
from agent_observability.cr_state.lists import AdoptionSink, ScopeSink
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.runners import JOB, POD, RunnerJobs, RunnerPods
from agent_observability.cr_state.scene import EVERYWHERE, SCOPE, Baselines, Namespaces, Scene
from agent_observability.cr_state.selection import Selection
from agent_observability.cr_state.session import NO_MODEL
from agent_observability.cr_state.sessions import SESSION, Sessions
from agent_observability.cr_state.state import SessionGauges
from agent_observability.cr_state.view import View
from agent_observability.cr_state.workflows import WORKFLOW, Steps, Workflows
from agent_observability.kube.client import KubeClient
from agent_observability.kube.reflector import Reflector
from agent_observability.kube.sink import Resource, Sink
from agent_observability.metric import Metric
from agent_observability.series import SeriesStore

__all__ = ["FACTS", "PARTS", "World"]

FACTS = (SESSION, USER, PROJECT, COMPLETION, WORKFLOW, JOB, POD, CONTAINER, SCOPE)
"""Kinds of facts in the ledger."""

PARTS: Mapping[str, tuple[Metric, ...]] = {
    "sessions": (*m.DETAIL, *m.STATE),
    "adoption": m.ADOPTION,
    "workflows": m.WORKFLOWS,
    "components": m.COMPONENTS,
}
"""The families of each part of the picture."""

_BEGAN = "began"
_TICK_SECONDS = 1.0
_PRUNE_SECONDS = 3_600.0
_FIRST_PRUNE_SECONDS = 60.0
_COUNTED = ("agenticsessions", "jobs", "pods")


class World:
    """`facts` are the stored ones by kind and key. `delayed(seconds)` is told how late an event was counted."""

    def __init__(
        self,
        config: CrStateConfig,
        recorder: Recorder,
        facts: Mapping[str, Mapping[str, bytes]],
        *,
        limits: Mapping[str, int],
        new_project: Callable[[str], None],
        delayed: Callable[[float], None],
    ) -> None:
        self._config = config
        self.recorder = recorder
        self.following = Following()
        self.whole = asyncio.Event()
        """Set once all that may be read has been listed: before, zeros would be lies."""
        scopes = dict(facts[SCOPE])
        self._began = float(scopes.pop(_BEGAN, b"0")) or time.time()
        if _BEGAN not in facts[SCOPE]:
            recorder.fact(SCOPE, _BEGAN, repr(self._began).encode())
        every = not config.namespaces and not config.namespace_labels
        self._scene = Scene(recorder, Baselines(scopes, recorder), Namespaces(every=every, names=config.namespaces))
        # Its parts may be anywhere, whatever namespaces the projects are in.
        self._platform = replace(self._scene, namespaces=Namespaces(every=True))
        self.curtain: Curtain = self._scene.curtain
        custom = self._custom
        sessions_store = SeriesStore("sessions", m.STATE, limits)
        stores = {name: SeriesStore(name, PARTS[name], limits) for name in ("adoption", "workflows", "components")}
        self._gauges = SessionGauges(
            sessions_store, stuck_after=config.stuck_after, custom=custom, new_project=new_project
        )
        self._adoption = Adoption(recorder, stores["adoption"], facts)
        self._steps = Steps(recorder, stores["workflows"], facts[WORKFLOW])
        self._components = ComponentGauges(stores["components"], config.components)
        views: dict[str, View] = {}
        self._detail = Detail(config.detail, views, lambda metric: sessions_store.refuse(metric, "session_name"))
        listeners = (self._gauges, self._adoption, self._steps, self._detail)
        self.sessions = Sessions(
            self._scene, listeners, views=views, facts=facts[SESSION], custom=custom, delayed=delayed
        )
        self._namespaced: tuple[AnyFollower, ...] = (
            self.sessions,
            Workflows(self._scene, self._steps),
            Projects(self._scene, self._adoption, self._gauges),
            RunnerJobs(self._scene, facts[JOB]),
            RunnerPods(self._scene, facts[POD]),
        )
        self._containers = facts[CONTAINER]
        self._selection = Selection(self._scene, self._began, _COUNTED, config.namespaces)
        self._paint()

    def settled(self) -> str:
        """Why it is not known yet how the platform is, or ""."""
        return self.following.settled(self.sessions.resource)

    async def run(self, client: KubeClient) -> None:
        """Follow the API until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            for reflector in self._reflectors(client):
                tasks.create_task(reflector.run())
            if self._config.namespace_labels:
                tasks.create_task(self._select(client, tasks))

    def _reflectors(self, client: KubeClient) -> Iterator[Reflector]:
        config = self._config
        for component, labels in config.components.items():
            namespace = config.platform_namespace
            deployments = Components(self._platform, component, self._components)
            containers = ComponentPods(self._platform, component, f"{namespace}:{labels}", self._containers)
            yield self._reflector(client, resources.deployments(namespace, labels), deployments, ScopeSink(deployments))
            yield self._reflector(client, resources.pods(namespace, labels), containers, ScopeSink(containers))
        if config.namespace_labels:
            selected = resources.namespaces(config.namespace_labels)
            yield self._reflector(client, selected, self._selection, ScopeSink(self._selection))
            return
        for follower in self._namespaced:
            for scope in config.namespaces or (EVERYWHERE,):
                yield self._reflector(
                    client, resources.namespaced(follower.resource, scope), follower, ScopeSink(follower, scope)
                )

    def _reflector(self, client: KubeClient, resource: Resource, follower: AnyFollower, sink: Sink) -> Reflector:
        kubernetes = self._config.kubernetes
        reflector = Reflector(
            client,
            resource,
            sink,
            page=kubernetes.page,
            streaming=kubernetes.streaming_lists,
            settled=self._look_whether_whole,
        )
        self.following.add(reflector, follower)
        return reflector

    def _look_whether_whole(self) -> None:
        if not self.settled():
            self.whole.set()

    async def _select(self, client: KubeClient, tasks: asyncio.TaskGroup) -> None:
        """Follow everything once it is known which namespaces count; look up those that come to count later."""
        changed, names = self._selection.changed, self._scene.namespaces.names
        await changed.wait()
        adopted = set(names)
        for follower in self._namespaced:
            resource = resources.namespaced(follower.resource, EVERYWHERE)
            tasks.create_task(self._reflector(client, resource, follower, ScopeSink(follower)).run())
        while True:
            await changed.wait()
            changed.clear()
            for follower in self._namespaced:
                follower.unwanted()
            wanted = set(names)
            for name in wanted - adopted:
                for follower in self._namespaced:
                    await self._adopt(client, follower, name)
            adopted = wanted

    async def _adopt(self, client: KubeClient, follower: AnyFollower, namespace: str) -> None:
        done = asyncio.Event()
        resource = resources.namespaced(follower.resource, namespace)
        page = self._config.kubernetes.page
        once = Reflector(client, resource, AdoptionSink(follower, namespace), page=page, settled=done.set)
        task = asyncio.create_task(once.run())
        try:
            await asyncio.wait((task, asyncio.ensure_future(done.wait())), return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()

    async def _tick(self) -> None:
        pruned = time.monotonic() - _PRUNE_SECONDS + _FIRST_PRUNE_SECONDS
        while True:
            self.following.count(self.recorder)
            if time.monotonic() - pruned > _PRUNE_SECONDS and self.following.synced(self.sessions.resource):
                pruned = time.monotonic()
                await self.sessions.forget_before(time.time() - KEPT_SECONDS)
                with self.curtain.lock:
                    self._adoption.forget_old(time.time())
            await asyncio.sleep(_TICK_SECONDS)

    def _custom(self, model: str) -> bool:
        return model != NO_MODEL and model not in self._config.default_models

    def _paint(self) -> None:
        self.curtain.paint("sessions", self._paint_sessions)
        self.curtain.paint("adoption", lambda: self._adoption.families(time.time()))
        self.curtain.paint("workflows", self._steps.families)
        self.curtain.paint("components", self._components.families)

    def _paint_sessions(self) -> Scenery:
        if not self.following.seen(self.sessions.resource):
            # Zeros of projects that are known otherwise would be lies.
            return ()
        now = time.time()
        self._detail.expire(now)
        return [*self._detail.families(), *self._gauges.families(now)]
