from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

from agent_observability.workers import Workers
from tests.support import wait_until, wait_until_async


async def test_results_and_errors_come_back() -> None:
    workers = Workers("test")
    assert await workers.run(lambda: threading.current_thread().name) == "test-1"
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)


async def test_threads_are_used_again() -> None:
    workers = Workers("test")
    names = set()
    for _ in range(20):
        names.add(await workers.run(lambda: threading.current_thread().name))
        # The result is out before the thread waits for its next job.
        await wait_until_async(lambda: workers._idle == 1)
    assert names == {"test-1"}


async def test_an_idle_thread_keeps_nothing_of_its_last_job() -> None:
    class Work:
        def __call__(self) -> None:
            pass

    workers = Workers("test")
    work = Work()
    gone = weakref.ref(work)
    workers.submit(work)
    del work
    await wait_until_async(lambda: workers._idle == 1 and gone() is None)


def test_the_pool_grows_when_all_are_busy_and_shrinks_again() -> None:
    workers = Workers("crowd", idle_max=2)
    together = threading.Barrier(6)
    for _ in range(5):
        workers.submit(lambda: together.wait(10))
    together.wait(10)  # only reached if all five run at once
    alive = lambda: [thread for thread in threading.enumerate() if thread.name.startswith("crowd-")]  # noqa: E731
    wait_until(lambda: len(alive()) == 2)
    assert all(thread.daemon for thread in alive())


def test_a_failing_job_is_logged_and_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers("test")
    done = threading.Event()
    with caplog.at_level(logging.ERROR):
        workers.submit(lambda: 1 // 0)
        wait_until(lambda: workers._idle == 1)
        workers.submit(done.set)
        assert done.wait(10)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    assert workers._started == 1


async def test_a_blocked_job_does_not_delay_others() -> None:
    workers = Workers("test")
    release = threading.Event()
    blocked = asyncio.ensure_future(workers.run(lambda: release.wait(10)))
    assert await asyncio.wait_for(workers.run(lambda: "free"), 5) == "free"
    assert not blocked.done()
    release.set()
    assert await blocked


async def test_a_waiter_that_gave_up_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers("test")
    release = threading.Event()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workers.run(lambda: release.wait(10)), 0.01)
    release.set()
    await wait_until_async(lambda: workers._idle == 1)
    await asyncio.sleep(0)
    assert not caplog.records


def test_a_result_nobody_waits_for_any_more_is_dropped() -> None:
    workers = Workers("test")
    release = threading.Event()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workers.run(lambda: release.wait(10)), 0.01)

    asyncio.run(leave())
    release.set()
    wait_until(lambda: workers._idle == 1)  # the thread survived its closed loop


def test_a_stuck_thread_does_not_keep_the_process_alive() -> None:
    program = textwrap.dedent("""
        import threading
        from agent_observability.workers import Workers
        running = threading.Event()
        workers = Workers("stuck")
        workers.submit(lambda: (running.set(), threading.Event().wait()))
        running.wait()
        print("leaving", flush=True)
    """)
    started = time.monotonic()
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stdout) == (0, b"leaving\n")
    assert time.monotonic() - started < 20
