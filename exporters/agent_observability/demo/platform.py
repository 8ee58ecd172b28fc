"""A living agent platform: projects, people, sessions of both generations, workflows and rollouts, by a clock.

Everything happens at its time on a queue, so that the same platform runs live or as fast as a test can take it.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable

from agent_observability.demo.cast import (
    CUSTOM_MODELS,
    DEFAULT_MODELS,
    FIRST_REASONS,
    NEWER_REASONS,
    PROJECTS,
    USERS,
)
from agent_observability.demo.components import Rollouts
from agent_observability.demo.estate import Estate
from agent_observability.demo.kube_store import KubeStore
from agent_observability.demo.run import Run
from agent_observability.demo.truth import Truth

__all__ = ["Platform"]

_DAY = 86_400
SESSIONS = "agenticsessions"


class Platform:
    """`pace` is how many seconds of work take one second; `per_hour` how many sessions begin at the busiest time."""

    def __init__(
        self,
        store: KubeStore,
        *,
        now: float,
        seed: int = 1,
        pace: float = 1.0,
        per_hour: float = 60.0,
        untimed: float = 0.1,
    ) -> None:
        self.truth = Truth()
        self.truth.custom(CUSTOM_MODELS)
        self.runs: dict[str, Run] = {}
        self.now = int(now)
        self.random = random.Random(seed)  # noqa: S311 - made-up data
        self._store = store
        self._pace = pace
        self._per_hour = per_hour
        self._untimed = untimed
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self.estate = Estate(store, self.random)
        self.happened = 0
        self.on_create: Callable[[Run], None] = lambda _: None
        self.rollouts = Rollouts(store, self)

    def populate(self, *, sessions: int = 300, days: int = 60) -> None:
        """Fill the platform with a past: projects, sessions that have ended, workflows on their way."""
        for name in PROJECTS[:-1]:
            self.estate.add_project(name, self.now - self.random.randrange(20 * _DAY, 200 * _DAY))
        for project in self.estate.projects[:5]:
            self.estate.add_workflow(project, self.now)
        for _ in range(sessions):
            run = self._new_run(self.now - int(self.random.random() ** 2 * days * _DAY) - 4 * 3600)
            run.began = run.created + 2
            run.started = run.created + self.random.randrange(5, 120)
            run.ended = run.started + self.random.randrange(60, 3000)
            run.phase, run.visible = run.fate, True
            self.estate.ended(run)
            self._put(run, history=True)
        self.rollouts.begin()

    def begin(self) -> None:
        """Let the future begin."""
        self.after(0, self._next_session)
        self.after(120, self._next_project)
        self.after(60, self._next_workflow)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen so many seconds of work later."""
        at = self.now + max(1, round(seconds / self._pace))
        heapq.heappush(self._queue, (at, next(self._numbers), action))

    def run_until(self, now: float, most: int = 1_000_000) -> int:
        """Let happen what is due, at most so many things; how many."""
        done = 0
        while self._queue and self._queue[0][0] <= now and done < most:
            at, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, int(at))
            action()
            done += 1
        self.happened += done
        return done

    def run_events(self, number: int) -> None:
        """Let the next things happen, whatever the time."""
        self.run_until(math.inf, number)

    def _next_session(self) -> None:
        run = self._new_run(self.now)
        self._put(run)
        self.on_create(run)
        self.after(self._about(4), lambda: self._admit(run))
        # Busy in the afternoon, quiet at night.
        load = 0.55 + 0.45 * math.sin(2 * math.pi * (self.now % _DAY / _DAY - 0.3))
        self.after(self._about(3600 / self._per_hour) / max(load, 0.1), self._next_session)

    def _admit(self, run: Run) -> None:
        """The operator has noticed it; the queue may be long."""
        if run.deleted:
            return
        run.visible = True
        if run.newer:
            run.began = self.now
        self._put(run)
        waits = self.random.choice((5, 10, 20, 20, 60, 240))
        skips = self.random.random() < 0.1
        self.after(self._about(waits), lambda: self._start(run) if skips else self._create(run))

    def _create(self, run: Run) -> None:
        if run.deleted:
            return
        run.phase = "creating"
        self._put(run)
        self._put_runner(run)
        self.after(self._about(15), lambda: self._start(run))

    def _start(self, run: Run) -> None:
        if run.deleted or run.over:
            return
        if run.reason in ("image_pull", "secret", "prerequisite"):
            self._end(run)
            return
        run.phase = "running"
        run.started = self.now
        if not run.newer:
            run.began = self.now
        self._put(run)
        self._put_runner(run)
        if run.mode == "batch" and not run.newer and self.random.random() < 0.05:
            self.after(10, lambda: self._flip(run))
        if self.random.random() < 0.02:
            # Somebody has had enough of it.
            self.after(self._about(60), lambda: self._delete(run))
        long = self.random.choice((60, 120, 240, 300, 600, 900, 1800))
        self.after(self._about(long), lambda: self._stop(run))

    def _flip(self, run: Run) -> None:
        if not run.deleted and not run.over:
            run.mode = "interactive"
            self._put(run)

    def _stop(self, run: Run) -> None:
        if run.deleted:
            return
        if run.newer and run.fate == "stopped":
            run.phase = "stopping"
            self._put(run)
            self.after(self._about(10), lambda: self._end(run))
        else:
            self._end(run)

    def _end(self, run: Run) -> None:
        if run.deleted:
            return
        run.phase, run.ended = run.fate, self.now
        self.estate.ended(run)
        self._put(run)
        self._put_runner(run)
        if not run.newer and run.phase == "completed":
            self.after(5, lambda: self._push(run))
        if run.newer and self.random.random() < 0.12:
            self.after(self._about(120), lambda: self._restart(run))
        else:
            self.after(600, lambda: self._remove_runner(run))
            self.after(self._about(20_000), lambda: self._delete(run))

    def _push(self, run: Run) -> None:
        if not run.deleted:
            done = ("pushed", "pushed", "abandoned", "diff", "nodiff")
            url = f"https://robot:secret@git.example.org/{run.project}"
            run.pushed = {f"{url}/repo-{number}.git": self.random.choice(done) for number in range(run.repos)}
            self._put(run)

    def _restart(self, run: Run) -> None:
        if run.deleted:
            return
        self._remove_runner(run)
        run.restarts += 1
        run.phase, run.ended, run.started, run.began = "pending", None, None, self.now
        run.fate, run.reason = self._fate(newer=True)
        self._put(run)
        self.after(self._about(20), lambda: self._create(run))

    def _delete(self, run: Run) -> None:
        if run.deleted:
            return
        self._remove_runner(run)
        run.deleted = True
        self._store.delete(SESSIONS, run.project, run.name)
        self.truth.look(run)
        self.runs.pop(run.uid)

    def _put(self, run: Run, *, history: bool = False) -> None:
        run.uid = self._store.put(SESSIONS, run.object())["metadata"]["uid"]
        self.runs[run.uid] = run
        if history:
            self.truth.history(run)
        else:
            self.truth.look(run)

    def _put_runner(self, run: Run) -> None:
        resource, runner = run.runner()
        uid = self._store.put(resource, runner)["metadata"]["uid"]
        self.truth.look_runner(uid, run)

    def _remove_runner(self, run: Run) -> None:
        resource, runner = run.runner()
        if self._store.has(resource, run.project, runner["metadata"]["name"]):
            self._store.delete(resource, run.project, runner["metadata"]["name"])
            self.truth.runner_gone(run)

    def _new_run(self, created: int) -> Run:
        choose = self.random
        newer = choose.random() < 0.5
        scheduled = newer and choose.random() < 0.15
        fate, reason = self._fate(newer=newer)
        project, workflow, step = self.estate.next_step() if choose.random() < 0.2 else ("", "", "")
        if not workflow:
            projects = self.estate.projects
            project = choose.choices(projects, [1 / (1 + at) for at in range(len(projects))])[0]
        model = choose.choice(CUSTOM_MODELS if choose.random() < 0.15 else DEFAULT_MODELS)
        return Run(
            project=project,
            name=f"session-{created}-{next(self._numbers)}",
            newer=newer,
            created=created,
            mode="batch" if scheduled or choose.random() < 0.6 else "interactive",
            model=model,
            user=choose.choices(USERS, [1 / (1 + at) for at in range(len(USERS))])[0],
            repos=choose.choice((1, 1, 1, 2, 2, 3, 4)),
            scheduled=scheduled,
            fate=fate,
            reason=reason,
            timed=fate != "failed" or choose.random() >= self._untimed,
            workflow=workflow,
            step=step,
        )

    def _fate(self, *, newer: bool) -> tuple[str, str]:
        chance = self.random.random()
        if chance < 0.8:
            return "completed", "none"
        if chance < 0.88:
            return "stopped", self.random.choice(("user", "inactivity")) if newer else "user"
        reasons = NEWER_REASONS if newer else FIRST_REASONS
        reason = self.random.choice(tuple(reasons))
        return "failed" if newer or self.random.random() < 0.8 else "error", reason

    def _next_workflow(self) -> None:
        self.estate.add_workflow(self.random.choice(self.estate.projects), self.now)
        self.after(self._about(1200), self._next_workflow)

    def _next_project(self) -> None:
        if self.estate.grow(self.now):
            self.after(self._about(3600), self._next_project)

    def _about(self, seconds: float) -> float:
        """Seldom exactly that long."""
        return seconds * self.random.uniform(0.5, 1.8)
