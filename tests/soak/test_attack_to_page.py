"""Twenty attacks, as `tests/credential_proxy/test_attack_to_page.py` has one: the median and the worst wait for a page.

In each stack scrapes fall differently, and attacks come at any moment between them.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from pathlib import Path

import pytest

from tests.credential_proxy.paging import BAR_SECONDS, paging

STACKS = 5
# By kind: how much faster than in life. What makes an attack of it stays true.
KINDS = {"scan": 1.0, "burst": 4.0, "brute": 20.0}
ATTACKS = ("scan", "burst", "brute", "scan")


@pytest.mark.timeout(3600)
async def test_twenty_attacks(tmp_path: Path) -> None:
    choose = random.Random(7)
    waits: list[float] = []
    for number in range(STACKS):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with paging(folder) as stack:
            for kind in ATTACKS:
                await asyncio.sleep(choose.uniform(0, 10))
                waits.append(await stack.page(kind, KINDS[kind]))
                print(f"{kind:<6} {waits[-1]:5.1f} s")
    median, worst = statistics.median(waits), max(waits)
    print(f"credential_proxy: {len(waits)} attacks, page after {median:.1f} s (median), {worst:.1f} s (worst)")
    assert len(waits) == 20
    assert worst <= BAR_SECONDS
