"""What runs sessions: Jobs in the first generation of the platform, bare pods in the newer one."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TypeVar

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import Job, Object, Pod
from agent_observability.cr_state.scene import EVERYWHERE, Scene

__all__ = ["JOB", "POD", "RUNNER_LABELS", "RunnerJobs", "RunnerPods"]

JOB, POD = "job", "pod"
"""Kinds of the facts about Jobs and bare pods, by uid: whether their end is counted, and their namespace."""

RUNNER_LABELS = "app=ambient-code-runner"

T = TypeVar("T", bound=Object)
Look = tuple[str, str] | None
"""Namespace and result ("" before the end); None for what a Job runs, which counts as the Job."""

_SEEN, _ENDED = "seen ", "ended "


class _Runners(Follower[T, Look]):
    """`facts` are the stored ones of kind `fact`, by uid."""

    def __init__(self, resource: str, kind: type[T], scene: Scene, fact: str, facts: Mapping[str, bytes]) -> None:
        super().__init__(resource, kind, scene)
        self._kind = fact
        self._facts = dict(facts)

    @abc.abstractmethod
    def result(self, found: T) -> str | None:
        """How it ended: succeeded or failed, "" if it has not; None for what is none of ours."""

    def look(self, uid: str, found: T) -> Look:
        result = self.result(found)
        return None if result is None else (found.metadata.namespace, result)

    def show(self, uid: str, look: Look, *, live: bool) -> None:
        if look is None:
            return
        project, result = look
        known = self._facts.get(uid)
        counted = known is not None or self.baselines.passed(self.resource, project)
        if known is None and counted:
            self.recorder.count(m.JOBS_CREATED, (project,))
        ended = known is not None and known.startswith(_ENDED.encode())
        if result and not ended and counted:
            self.recorder.count(m.JOBS_COMPLETED, (project, result))
        fact = f"{_ENDED if result or ended else _SEEN}{project}".encode()
        if fact != known:
            self._facts[uid] = fact
            self.recorder.fact(self._kind, uid, fact)

    def hide(self, uid: str) -> None:
        """What is remembered of it stays."""

    def drop(self, uid: str) -> None:
        # Its uid never comes back.
        if self._facts.pop(uid, None) is not None:
            self.recorder.fact(self._kind, uid, None)

    def listed(self, scope: str) -> None:
        self.history_ends(scope)
        # What went while nobody looked.
        for uid, fact in list(self._facts.items()):
            namespace = _namespace(fact)
            if not self.known(uid) and scope in (EVERYWHERE, namespace) and self.wants(namespace):
                self.drop(uid)


class RunnerJobs(_Runners[Job]):
    """Jobs are removed some minutes after their end."""

    def __init__(self, scene: Scene, facts: Mapping[str, bytes]) -> None:
        super().__init__("jobs", Job, scene, JOB, facts)

    def result(self, found: Job) -> str:
        ended = {one.type for one in found.status.conditions or () if one.status == "True"}
        return "succeeded" if "Complete" in ended else "failed" if "Failed" in ended else ""


class RunnerPods(_Runners[Pod]):
    """Pods of sessions."""

    def __init__(self, scene: Scene, facts: Mapping[str, bytes]) -> None:
        super().__init__("pods", Pod, scene, POD, facts)

    def result(self, found: Pod) -> str | None:
        if any(owner.kind == "Job" for owner in found.metadata.owner_references or ()):
            return None
        return {"Succeeded": "succeeded", "Failed": "failed"}.get(found.status.phase or "", "")


def _namespace(fact: bytes) -> str:
    return fact.decode().partition(" ")[2]
