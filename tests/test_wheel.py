"""A wheel installed outside the checkout carries everything `agent-obs up` needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent_observability.registry import EXPORTERS
from tests.support import free_port

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the wheel was unpacked into; its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(wheel, check=True, capture_output=True, text=True)
    target = folder / "site"
    (built,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(built)], check=True)
    return target


def environment(installed: Path, home: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(installed), "XDG_STATE_HOME": str(home / "state")}


def test_the_wheel_is_what_runs(installed: Path, tmp_path: Path) -> None:
    script = "import agent_observability, agent_observability.resources as r; print(r.resource('rules'))"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(installed, tmp_path),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert Path(shown) == installed / "agent_observability" / "resources" / "rules"
    assert sorted(path.name for path in Path(shown).iterdir()) == sorted(
        path.name for path in (ROOT / "rules").iterdir()
    )


@pytest.mark.stack
@pytest.mark.timeout(150)
def test_up_once_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    listen = "\n".join(f"    {entry.name}: ['127.0.0.1:{free_port()}']" for entry in EXPORTERS)
    ports = ", ".join(f"{name}: {free_port()}" for name in ("prometheus", "alertmanager", "receiver", "grafana"))
    config = tmp_path / "config.yml"
    intake = f"intake: {{listen: ['127.0.0.1:{free_port()}']}}"
    config.write_text(f"web:\n  listen:\n{listen}\nstack:\n  ports: {{{ports}}}\n{intake}\n")
    result = subprocess.run(
        [sys.executable, "-m", "agent_observability", "up", "--once", "--config", str(config)],
        cwd=tmp_path,
        env=environment(installed, tmp_path),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert str(ROOT) not in result.stdout + result.stderr
