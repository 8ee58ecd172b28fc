"""The whole exposition of a made-up machine, in both formats, as files a reviewer can read.

`make golden` writes them again.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_observability.exposition import Format, write
from agent_observability.host.collector import HostRuntime
from tests.host import machine

GOLDEN = Path(__file__).parent / "golden"
FILES = {Format.TEXT: "host.prom", Format.OPENMETRICS: "host.openmetrics"}
# What the machine that runs the test decides: its clock, its kernel, the size of its disk.
LIVE = re.compile(
    r"^(node_uname_info|node_time_seconds|node_filesystem_(?:size_bytes|free_bytes|avail_bytes|files|files_free)\{.*\})"
    r"(?:\{.*\})? .*$",
    re.M,
)


@pytest.mark.golden
@pytest.mark.parametrize("format_", FILES, ids=lambda format_: format_.name.lower())
def test_the_exposition_of_a_made_up_machine(tmp_path: Path, format_: Format, request: pytest.FixtureRequest) -> None:
    runtime = HostRuntime(machine.build(tmp_path))
    families = [family for collector in runtime.collectors for family in collector.collect()]
    shown = LIVE.sub(r"\1 <of this machine>", write(families, format_).decode())
    file = GOLDEN / FILES[format_]
    if request.config.getoption("--golden"):
        file.write_text(shown)
    assert shown == file.read_text()
