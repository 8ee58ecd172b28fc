"""Asks file systems for their figures without ever waiting for one that hangs.

`statvfs` on a dead network file system or disk does not return, and nothing can interrupt it. So it runs on daemon
threads; a thread that hangs is left behind with its one mount, and the others go on.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from agent_observability.workers import Workers

__all__ = ["Answer", "MountProber"]

log = logging.getLogger(__name__)

Answer = os.statvfs_result | OSError

# How long no mount may answer before another thread takes over those not yet asked.
_HANDOVER_SECONDS = 0.01
# A late answer is shown at the next scrape, unless that comes much later.
_LATE_ANSWER_SECONDS = 120.0


class _Round:
    """Questions that threads work off together, and their answers. Guarded by the prober's lock.

    Nobody awaits a round in the background from its start, and any other from its end, which its late answers missed.
    """

    def __init__(self, questions: Mapping[Hashable, str], *, awaited: bool) -> None:
        self.queue = deque(questions.items())
        self.unanswered = len(questions)
        self.answers: dict[Hashable, Answer] = {}
        self.awaited = awaited
        self.missed = False


@dataclass(frozen=True, slots=True)
class _Question:
    """A `statvfs` under way; `asked` in monotonic seconds."""

    path: str
    asked: float


@dataclass(frozen=True, slots=True)
class _LateAnswer:
    """An answer nobody awaited; `when` in monotonic seconds, `took` in seconds, infinite if it missed its scrape."""

    answer: Answer
    when: float
    took: float


class MountProber:
    """Keeps, between scrapes, which mounts hang. Thread-safe.

    A mount that answers late is shown one scrape later, and that scrape does not wait for it again: a slow mount is
    one scrape behind, not missing. `statvfs` is a parameter so that tests can block it.
    """

    def __init__(self, statvfs: Callable[[str], os.statvfs_result] = os.statvfs) -> None:
        self._statvfs = statvfs
        self._workers = Workers("statvfs", idle_max=1)
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._pending: dict[Hashable, _Question] = {}
        self._late: dict[Hashable, _LateAnswer] = {}
        self._silent: set[Hashable] = set()
        self._answered: set[Hashable] = set()

    def pending(self) -> dict[str, float]:
        """Paths that have been asked and have not answered yet, and for how many seconds."""
        now = time.monotonic()
        with self._changed:
            return {question.path: now - question.asked for question in self._pending.values()}

    def ask(self, paths: Mapping[Hashable, str], *, seconds: float, max_stuck: int) -> dict[Hashable, Answer]:
        """The answers there are after `seconds` at most; a mount without one hangs.

        `paths` comes with the mounts least likely to hang first. While `max_stuck` mounts hang, only those that
        answered last time are asked, which bounds the threads.
        """
        with self._turn:
            with self._changed:
                idle = {key: path for key, path in paths.items() if key not in self._pending}
                room = max_stuck - len(self._pending)
                answers = self._take_late(seconds)
            for key in answers.keys() & idle.keys():
                self._start(_Round({key: idle.pop(key)}, awaited=False))
            questions = {key: path for key, path in idle.items() if key in self._answered}
            if room > 0:
                questions |= idle
            answers |= self._ask(questions, seconds, room)
            self._answered = answers.keys() & paths.keys()
            return answers

    def _take_late(self, seconds: float) -> dict[Hashable, Answer]:
        """Late answers still worth showing; a mount that took less than `seconds` can be waited for again."""
        oldest = time.monotonic() - _LATE_ANSWER_SECONDS
        taken, self._late = self._late, {}
        return {key: late.answer for key, late in taken.items() if late.took >= seconds and late.when > oldest}

    def _ask(self, questions: Mapping[Hashable, str], seconds: float, room: int) -> dict[Hashable, Answer]:
        if not questions:
            return {}
        deadline = time.monotonic() + seconds
        round_ = _Round(questions, awaited=True)
        self._start(round_)
        threads = 1
        with self._changed:
            while round_.unanswered and (left := deadline - time.monotonic()) > 0:
                before = round_.unanswered
                self._changed.wait(min(left, _HANDOVER_SECONDS))
                if round_.queue and round_.unanswered == before and threads <= room:
                    self._start(round_)
                    threads += 1
            round_.awaited, round_.missed = False, True
            round_.queue.clear()
            for key in questions.keys() & self._pending.keys():
                self._silent.add(key)
                log.warning("%s does not answer; its figures are left out until it does", questions[key])
            return dict(round_.answers)

    def _start(self, round_: _Round) -> None:
        self._workers.submit(lambda: self._work(round_))

    def _work(self, round_: _Round) -> None:
        while True:
            with self._changed:
                if not round_.queue:
                    return
                key, path = round_.queue.popleft()
                question = self._pending[key] = _Question(path, time.monotonic())
            answer = self._answer(path)
            with self._changed:
                del self._pending[key]
                self._end(round_, key, question, answer)

    def _end(self, round_: _Round, key: Hashable, question: _Question, answer: Answer) -> None:
        now = time.monotonic()
        took = now - question.asked
        if key in self._silent:
            self._silent.remove(key)
            log.warning("%s answered after %.1f s", question.path, took)
        if not round_.awaited:
            self._late[key] = _LateAnswer(answer, now, math.inf if round_.missed else took)
            return
        round_.answers[key] = answer
        round_.unanswered -= 1
        if not round_.unanswered:
            self._changed.notify_all()

    def _answer(self, path: str) -> Answer:
        try:
            return self._statvfs(path)
        except OSError as error:
            return error
