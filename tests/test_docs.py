"""The documentation keeps its promises: the example configuration holds the defaults, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from agent_observability.config import Config, load

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_the_example_configuration_holds_the_defaults() -> None:
    example = msgspec.structs.replace(load(ROOT / "docs" / "example.yaml"), file="")
    defaults = msgspec.structs.replace(load(None), file="")
    listen = {"host": [":9801"]}
    assert example.web.listen == listen
    assert example == msgspec.structs.replace(defaults, web=msgspec.structs.replace(defaults.web, listen=listen))
    assert isinstance(example, Config)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []
