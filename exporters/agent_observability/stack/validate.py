"""Asks promtool and amtool, where they are installed, whether they accept the generated files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from agent_observability.errors import StartError

__all__ = ["validate"]

_SECONDS = 30.0


async def validate(prometheus: Path, alertmanager: Path) -> None:
    """Raises StartError with the tool's own words for a file it refuses."""
    await asyncio.gather(
        _check("promtool", "check", "config", str(prometheus)), _check("amtool", "check-config", str(alertmanager))
    )


async def _check(tool: str, *arguments: str) -> None:
    program = shutil.which(tool)
    if program is None:
        return
    said = await _run((program, *arguments))
    if said is not None:
        raise StartError(f"{tool} refuses {arguments[-1]}:\n{said}")


async def _run(command: Sequence[str]) -> str | None:
    """What the command said if it failed, None if it did not."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return f"no answer within {_SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace").strip() if process.returncode else None
