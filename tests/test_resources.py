from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import agent_observability
from agent_observability.errors import StartError
from agent_observability.resources import resource
from tests.support import ROOT

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from agent_observability.resources import resource
print(resource("rules"))
"""


def test_the_checkout_comes_first() -> None:
    assert resource("rules") == ROOT / "rules"
    assert resource("alertmanager") == ROOT / "alertmanager"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(StartError) as raised:
        resource("dashboards/none")
    path = ROOT / "dashboards" / "none"
    assert str(raised.value) == f"dashboards/none is missing: expected at {path}; reinstall agent-observability"


def _installed(folder: Path) -> subprocess.CompletedProcess[str]:
    """`resource("rules")` asked of the modules in `folder`, with nothing of the checkout in reach."""
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, cwd=folder)


@pytest.mark.parametrize("stray_project", [False, True])
def test_an_installed_package_brings_its_own(tmp_path: Path, stray_project: bool) -> None:
    """Even where some other project's pyproject.toml lies two folders above it."""
    package = tmp_path / "lib" / "site-packages" / "agent_observability"
    package.mkdir(parents=True)
    if stray_project:
        (tmp_path / "lib" / "pyproject.toml").touch()
    for name in ("__init__.py", "errors.py", "resources.py"):
        shutil.copy(Path(agent_observability.__file__).parent / name, package / name)
    result = _installed(package.parent)
    assert f"expected at {package / 'resources' / 'rules'}" in result.stderr
    (package / "resources" / "rules").mkdir(parents=True)
    result = _installed(package.parent)
    assert result.stdout == f"{package / 'resources' / 'rules'}\n", result.stderr
