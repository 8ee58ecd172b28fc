"""Values that make no sense are refused, with a message that says where and what was expected (a file's first line)."""

from __future__ import annotations

from pathlib import Path

import helm_python
import pytest
import yaml

from tests.helm.chart import CHART, probe_chart, render

_FILES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_refused(file: Path) -> None:
    text = file.read_text()
    values = yaml.safe_load(text)
    probes = any(name.startswith("probe") for name in values.get("exporters", {}))
    with pytest.raises(helm_python.HelmError) as refused:
        render(values, probe_chart() if probes else CHART)
    assert text.partition("\n")[0].removeprefix("# ") in str(refused.value)
