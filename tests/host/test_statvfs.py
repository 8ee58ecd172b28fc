"""Mounts that hang, with a `statvfs` that blocks until it is let go."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_observability.host.statvfs import Answer, MountProber
from tests.support import wait_until

ANSWER = os.statvfs(".")
SECONDS = 0.2


class Machine:
    """Answers at once, except for paths in `hanging`, which block until `release`."""

    def __init__(self) -> None:
        self.hanging: dict[str, threading.Event] = {}
        self.asked: list[str] = []

    def hang(self, *paths: str) -> None:
        self.hanging |= {path: threading.Event() for path in paths}

    def release(self, *paths: str) -> None:
        for path in paths:
            self.hanging.pop(path).set()

    def statvfs(self, path: str) -> os.statvfs_result:
        self.asked.append(path)
        if event := self.hanging.get(path):
            event.wait()
        return ANSWER


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.release(*machine.hanging)


def ask(prober: MountProber, *paths: str, seconds: float = SECONDS, max_stuck: int = 4) -> dict[str, Answer]:
    return prober.ask({path: path for path in paths}, seconds=seconds, max_stuck=max_stuck)  # type: ignore[return-value]


def timed_ask(prober: MountProber, *paths: str, max_stuck: int = 4) -> tuple[set[str], float]:
    started = time.perf_counter()
    answers = ask(prober, *paths, max_stuck=max_stuck)
    return set(answers), time.perf_counter() - started


def test_a_hanging_mount_costs_only_itself_and_is_waited_for_once(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    machine.hang("/dead")
    answered, seconds = timed_ask(prober, "/", "/dead", "/srv")
    assert answered == {"/", "/srv"}
    assert SECONDS <= seconds < 2 * SECONDS
    answered, seconds = timed_ask(prober, "/", "/dead", "/srv")
    assert answered == {"/", "/srv"}
    assert seconds < SECONDS / 2
    assert machine.asked.count("/dead") == 1
    assert set(prober.pending()) == {"/dead"}


def test_many_that_hang_at_once_are_waited_for_together(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    dead = [f"/dead/{number}" for number in range(4)]
    machine.hang(*dead)
    answered, seconds = timed_ask(prober, *dead, "/", max_stuck=8)
    assert answered == {"/"}
    assert seconds < 2 * SECONDS


def test_it_recovers_by_itself(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    machine.hang("/dead")
    ask(prober, "/", "/dead")
    machine.release("/dead")
    wait_until(lambda: not prober.pending())
    for _ in range(2):
        assert set(ask(prober, "/", "/dead")) == {"/", "/dead"}


def test_a_slow_mount_is_one_scrape_behind_and_not_waited_for(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    machine.hang("/slow")
    assert set(ask(prober, "/slow")) == set()
    machine.release("/slow")
    wait_until(lambda: not prober.pending())
    machine.hang("/slow")
    answered, seconds = timed_ask(prober, "/slow")
    assert answered == {"/slow"}
    assert seconds < SECONDS / 2
    # The answer was shown; the next one is not there yet.
    assert set(ask(prober, "/slow")) == set()


def test_threads_are_capped_and_known_mounts_go_on(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    assert set(ask(prober, "/", "/srv", max_stuck=2)) == {"/", "/srv"}
    dead = [f"/dead/{number}" for number in range(20)]
    machine.hang(*dead)
    before = threading.active_count()
    for _ in range(3):
        assert set(ask(prober, "/", "/srv", *dead, max_stuck=2)) == {"/", "/srv"}
    # One more than the cap: the thread that asks the mounts known to answer.
    assert len(prober.pending()) <= 3
    assert threading.active_count() - before <= 3
    machine.release(*dead)
    wait_until(lambda: len(ask(prober, "/", "/srv", *dead, max_stuck=2)) == 22)


def test_a_mount_in_the_place_of_a_hanging_one_is_asked(machine: Machine) -> None:
    prober = MountProber(machine.statvfs)
    machine.hang("/srv")
    assert prober.ask({1: "/srv"}, seconds=SECONDS, max_stuck=4) == {}
    old = machine.hanging.pop("/srv")
    assert prober.ask({2: "/srv"}, seconds=SECONDS, max_stuck=4) == {2: ANSWER}
    old.set()


def test_an_error_is_an_answer() -> None:
    error = OSError(5, "Input/output error")

    def fail(path: str) -> os.statvfs_result:
        raise error

    assert ask(MountProber(fail), "/") == {"/": error}


def test_two_at_once_take_turns(machine: Machine) -> None:
    """A reload may leave an old collector running beside the new one; neither may take the other's for a hang."""
    prober = MountProber(machine.statvfs)
    machine.hang("/slow")
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(ask, prober, "/slow", seconds=10) for _ in range(2)]
        wait_until(prober.pending)
        machine.release("/slow")
        assert [set(future.result()) for future in both] == [{"/slow"}, {"/slow"}]
