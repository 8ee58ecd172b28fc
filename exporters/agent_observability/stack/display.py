"""Shows a running stack: the live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time

from rich.console import Console
from rich.live import Live

from agent_observability.stack.observer import HEARTBEAT, Observer
from agent_observability.stack.panel import PartView, View, draw
from agent_observability.stack.supervisor import Supervisor

__all__ = ["show"]

_FRAME_SECONDS = 1.0
_LINE_SECONDS = 30.0


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process here, and with it the loop that has everything to stop.
        raise BrokenPipeError


async def show(supervisor: Supervisor, observer: Observer, footer: str) -> None:
    """Until cancelled, or until nobody reads any longer: the terminal or the pipe was closed."""
    console = _Console()
    try:
        if console.is_terminal and not console.is_dumb_terminal:
            await _panel(console, supervisor, observer, footer)
        else:
            await _lines(console, supervisor, observer)
    except OSError:
        # What is still buffered would fail again when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


async def _panel(console: Console, supervisor: Supervisor, observer: Observer, footer: str) -> None:
    started = time.time()
    # The panel owns the screen and shows the last event itself.
    listener, supervisor.listener = supervisor.listener, lambda _: None
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            # A terminal that was closed is none any longer, and rich skips drawing on it without a word.
            while console.is_terminal:
                live.update(draw(_view(console, supervisor, observer, started, footer)), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_FRAME_SECONDS):
                        await observer.changed.wait()
                observer.changed.clear()
    finally:
        supervisor.listener = listener


def _view(console: Console, supervisor: Supervisor, observer: Observer, started: float, footer: str) -> View:
    parts = [
        PartView(
            name=name,
            state=part.state,
            pid=part.identity.pid if part.identity else None,
            restarts=part.restarts,
            url=part.spec.url,
            job=part.spec.job,
        )
        for name, part in supervisor.parts.items()
    ]
    return View(
        now=time.time(),
        started=started,
        parts=parts,
        observation=observer.observation,
        notifications=observer.notifications,
        heartbeat=observer.heartbeat,
        event=supervisor.events[-1] if supervisor.events else None,
        footer=footer,
        width=console.width,
        height=console.height,
    )


async def _lines(console: Console, supervisor: Supervisor, observer: Observer) -> None:
    while True:
        await observer.changed.wait()
        console.print(_line(supervisor, observer), markup=False, highlight=False, soft_wrap=True)
        await asyncio.sleep(_LINE_SECONDS)
        observer.changed.clear()


def _line(supervisor: Supervisor, observer: Observer) -> str:
    targets = observer.observation.targets
    up = sum(target.health == "up" for target in targets)
    firing = sorted({a.name for a in observer.observation.alerts if a.state == "firing" and a.name != HEARTBEAT})
    parts = ", ".join(f"{name} {part.state.value}" for name, part in supervisor.parts.items())
    problem = f"; {observer.observation.problem}" if observer.observation.problem else ""
    at = time.strftime("%H:%M:%S")
    return f"{at} {up}/{len(targets)} targets up; firing: {', '.join(firing) or 'none'}; parts: {parts}{problem}"
