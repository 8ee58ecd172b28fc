"""The honest containers of the demo, which ask its credential proxy for what they need, by a clock."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Iterator

from agent_observability.demo.proxy_asks import MISTAKES, OUTAGE, SERVICES, Ask, answer_seconds, resource

__all__ = ["MOST_PER_MINUTE", "MOST_REJECTIONS", "Crowd"]

MOST_PER_MINUTE = 9
"""Of one honest container, within any minute."""
MOST_REJECTIONS = 3
"""Of one honest container, within any ten minutes."""

_HOUR = 3_600.0
_DAY = 24 * _HOUR
_SESSIONS = 18
_ELDERS = 4
_SLEEPERS = 3
_SLEEPER_SECONDS = 300.0
_SLEEPER_HOURS = 4
_MISTAKE, _OUTAGE = 0.025, 0.008
_WANTS = (
    ("anthropic", "api_call", 45),
    ("github", "read", 20),
    ("github", "clone", 10),
    ("github", "pull", 9),
    ("github", "push", 8),
    ("github", "comment", 5),
    ("github", "create_pr", 3),
)
# A clock that stands still so long, or goes back so far, was set, or the machine has slept.
_LEAP_SECONDS = 60.0


class Crowd:
    """Sessions that come and go, each in a container of its own; elders, which an older proxy knows by their pids;
    and sleepers, which ask for something every few minutes and never end. `sleepers` are their containers.

    `until` tells what is over since it was asked last. The same seed and moment make the same crowd.
    """

    def __init__(self, seed: int, now: float) -> None:
        self._random = random.Random(f"{seed} {now}")  # noqa: S311 - made up, not secret
        self._numbers = itertools.count()
        self._pids = itertools.count(2_000)
        self._now = now
        self.sleepers = [self.container() for _ in range(_SLEEPERS)]
        self._due: list[tuple[float, int, _Asker]] = []
        self._begin(now)

    def container(self) -> str:
        """A new container's id."""
        return f"{self._random.getrandbits(48):012x}"

    def pid(self) -> int:
        """A new process."""
        return next(self._pids)

    def until(self, now: float) -> list[Ask]:
        """In order of time."""
        if not -_LEAP_SECONDS < now - self._now < _LEAP_SECONDS:
            self._begin(now)
        self._now = max(self._now, now)
        asks: list[Ask] = []
        while self._due[0][0] <= now:
            at, _, asker = heapq.heappop(self._due)
            if at >= asker.ends:
                self._join(at + self._random.uniform(0, 20))
                continue
            asks.append(asker.ask(at))
            self._wait(asker, asker.after(at))
        return asks

    def past(self, now: float) -> list[Ask]:
        """A day before `now`, in order of time: thin, busier in the afternoon, and what the sleepers did."""
        found = [*self._visitors(now), *self._dreams(now)]
        return sorted(found, key=lambda ask: ask.at)

    def _visitors(self, now: float) -> Iterator[Ask]:
        hour = now - _DAY
        while hour < now:
            # The last hour is busier than others, so that pages that show it are not empty.
            load = 10 + 8 * math.sin(2 * math.pi * (hour % _DAY / _DAY - 0.3)) + (60 if now - hour <= _HOUR else 0)
            number = round(load * self._random.uniform(0.8, 1.2))
            askers = [_Asker(self._random, self.container(), self.pid()) for _ in range(max(1, number // 6))]
            for at in sorted(self._random.uniform(hour, min(hour + _HOUR, now)) for _ in range(number)):
                ready = [asker for asker in askers if asker.may_ask(at)]
                if ready:
                    yield self._random.choice(ready).ask(at)
            hour += _HOUR

    def _dreams(self, now: float) -> Iterator[Ask]:
        for container in self.sleepers:
            asker = _Asker(self._random, container, self.pid(), gap=_SLEEPER_SECONDS)
            at = asker.after(now - _SLEEPER_HOURS * _HOUR)
            while at < now:
                yield asker.ask(at)
                at = asker.after(at)

    def _begin(self, now: float) -> None:
        self._due = []
        self._now = now
        for _ in range(_SESSIONS):
            self._join(now + self._random.uniform(0, 10))
        for _ in range(_ELDERS):
            elder = _Asker(self._random, "", self.pid(), gap=self._random.uniform(12, 20))
            self._wait(elder, elder.after(now))
        for container in self.sleepers:
            sleeper = _Asker(self._random, container, self.pid(), gap=_SLEEPER_SECONDS)
            self._wait(sleeper, sleeper.after(now))

    def _join(self, at: float) -> None:
        ends = at + self._random.uniform(240, 900)
        gap = self._random.uniform(10, 25)
        self._wait(_Asker(self._random, self.container(), self.pid(), gap=gap, ends=ends), at)

    def _wait(self, asker: _Asker, at: float) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), asker))


class _Asker:
    """One container. It asks about every `gap` seconds until it `ends`, and never so often that it looks strange."""

    def __init__(
        self, choose: random.Random, container: str, pid: int, *, gap: float = 30.0, ends: float = math.inf
    ) -> None:
        self.ends = ends
        self._random = choose
        self._container = container
        self._pid = pid
        self._gap = gap
        self._asked: deque[float] = deque(maxlen=MOST_PER_MINUTE)
        self._refused: deque[float] = deque(maxlen=MOST_REJECTIONS)

    def after(self, at: float) -> float:
        """When it asks next."""
        planned = at + self._gap * self._random.uniform(0.6, 1.4)
        return max(planned, self._asked[0] + 61) if len(self._asked) == MOST_PER_MINUTE else planned

    def may_ask(self, at: float) -> bool:
        return len(self._asked) < MOST_PER_MINUTE or at - self._asked[0] > 60

    def ask(self, at: float) -> Ask:
        choose = self._random
        self._asked.append(at)
        service, operation, _ = choose.choices(_WANTS, [weight for _, _, weight in _WANTS])[0]
        status = reason = problem = ""
        chance = choose.random()
        if chance < _MISTAKE + _OUTAGE and self._may_get_nothing(at):
            self._refused.append(at)
            if chance < _MISTAKE:
                status = "REJECTED"
                reason, service, operation, problem = choose.choice(MISTAKES)
            else:
                status, reason, problem = "ERROR", "internal_error", OUTAGE
        return Ask(
            at=at,
            container=self._container,
            pid=self._pid,
            service=service,
            operation=operation,
            resource=resource(choose, service) if service in SERVICES else "",
            status=status or "GRANTED",
            reason=reason,
            problem=problem,
            milliseconds=max(1, round(1000 * answer_seconds(choose))),
        )

    def _may_get_nothing(self, at: float) -> bool:
        return len(self._refused) < MOST_REJECTIONS or at - self._refused[0] > 600
