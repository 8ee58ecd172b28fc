"""docs/dashboards.md lists every page as it is."""

from __future__ import annotations

import pytest

from tests.dashboards.pages import PAGES
from tests.support import ROOT

_TEXT = (ROOT / "docs" / "dashboards.md").read_text()


@pytest.mark.parametrize("uid", PAGES)
def test_the_page_is_listed(uid: str) -> None:
    page, folder = PAGES[uid]
    row = f"| [{page.title}](../dashboards/json/{folder}/{uid}.json) `{uid}` | {folder} | {page.description} |"
    assert row in _TEXT.splitlines()


def test_no_other_page_is_listed() -> None:
    listed = [line for line in _TEXT.splitlines() if line.startswith("| [")]
    assert len(listed) == len(PAGES)
