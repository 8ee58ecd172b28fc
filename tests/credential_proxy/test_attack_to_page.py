"""An attack is a page within seconds, through everything that stands between the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.credential_proxy.paging import BAR_SECONDS, paging

pytestmark = pytest.mark.stack


async def test_an_attack_is_a_page_within_seconds(tmp_path: Path) -> None:
    async with paging(tmp_path) as stack:
        seconds = await stack.page("scan", 1.0)
    print(f"credential_proxy: {seconds:.1f} s from the record that completes a scan to the page")
    assert seconds <= BAR_SECONDS
