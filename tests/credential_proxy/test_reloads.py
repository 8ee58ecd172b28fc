"""Many configurations, one after the other: nothing of the former ones is left."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

from tests.credential_proxy.living import living, section_of
from tests.support import wait_until_async


async def test_nothing_is_left_of_former_lives(tmp_path: Path) -> None:
    """Neither threads nor what they knew of containers."""
    before = set(threading.enumerate())
    lives: list[weakref.ref[object]] = []
    async with living(tmp_path) as it:
        for number in range(12):
            project = f"p{number}"
            it.service.reload(section_of(it.log, project=project))
            await wait_until_async(
                lambda project=project: it.runtime.shown is not None and it.runtime.shown.section.project == project  # type: ignore[misc]
            )
            assert it.runtime.shown is not None
            lives.append(weakref.ref(it.runtime.shown.detector))
            it.write("x")
            await it.read(number + 1)
        gc.collect()
        assert lives[-1]() is not None
        assert sum(life() is not None for life in lives) <= 2
        assert sum(thread.name.startswith("tail") for thread in set(threading.enumerate()) - before) <= 2
