"""The demo's credential proxy: a socket that takes connections, audit logs in all formats, and attacks on demand.

`POST /attack/<kind>` begins an attack and answers with its container and what is expected to show it. `POST
/proxy/faults` takes a JSON object: `down` (nobody listens on the socket) and `paused` (nothing is asked for).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from agent_observability.demo.proxy_asks import SERVICES, Ask
from agent_observability.demo.proxy_attacks import KINDS, Attack, plan_attack
from agent_observability.demo.proxy_crowd import Crowd
from agent_observability.demo.proxy_door import Door, private_folder
from agent_observability.demo.proxy_lines import Form, Line, chatter, in_form
from agent_observability.demo.proxy_log import AuditLog
from agent_observability.demo.proxy_truth import ProxyTruth
from agent_observability.errors import StartError

__all__ = ["CredentialProxy"]

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.2
_CHATTER = 0.03
_FIRST_ATTACK_SECONDS = 60.0
_CALM = (300.0, 480.0)
# In `make run` nobody has to do anything to see these; a drip takes so long that it is only begun on demand.
_PROGRAMME = ("scan", "burst", "brute")
_MOST_AT_ONCE = 10
_REMEMBERED = 100


class _Faults(msgspec.Struct, forbid_unknown_fields=True):
    down: bool | None = None
    paused: bool | None = None


class CredentialProxy:
    """Writes `audit.log`, which is renamed, and `audit-legacy.log`, which is truncated, in `folder`.

    `begin` listens on `address` and, where there is no log yet, writes what happened within the last day; `run` goes on
    from there until it is cancelled. Without `attacks` there are only those that somebody asks for. `rotate` are the
    seconds between rotations, `calm` those of a truncated log's silence.
    """

    def __init__(
        self,
        folder: Path,
        address: Path,
        *,
        seed: int = 1,
        clock: Callable[[], float] = time.time,
        rotate: float = 150.0,
        calm: float = 2.0,
        attacks: bool = True,
    ) -> None:
        now = clock()
        self.truth = ProxyTruth(SERVICES)
        self.attacks: dict[int, Attack] = {}
        self.door = Door(address)
        self.paused = False
        self._folder = folder
        self._clock = clock
        self._random = random.Random(f"{seed} {now}")  # noqa: S311 - made up, not secret
        self._crowd = Crowd(seed, now)
        self._numbers = itertools.count(1)
        self._attack_numbers = itertools.count(1)
        self._programme = itertools.cycle(_PROGRAMME)
        self._sleepers = itertools.cycle(self._crowd.sleepers)
        self._next_attack = now + _FIRST_ATTACK_SECONDS if attacks else float("inf")
        self._main = AuditLog(folder / "audit.log", "rename", self._written, every=rotate)
        # Not at the same time as the other.
        self._legacy = AuditLog(
            folder / "audit-legacy.log", "copytruncate", self._written, every=1.2 * rotate, calm=calm
        )
        self._logs = (self._main, self._legacy)
        self._serving: asyncio.Task[None] | None = None
        self._troubled = False

    @property
    def rotations(self) -> tuple[int, int]:
        """How often a log was renamed, and how often one was truncated."""
        return self._main.rotations, self._legacy.rotations

    def begin(self) -> None:
        """Before anybody reads or connects. Raises StartError."""
        private_folder(self._folder)
        self.door.open()
        try:
            fresh = [audit.open() for audit in self._logs]
            if all(fresh) and not (self._folder / "audit.log.1").exists():
                self._write(self._crowd.past(self._clock()))
        except OSError as error:
            raise StartError(f"cannot write {error.filename or self._folder}: {error.strerror}") from error

    async def run(self) -> None:
        """A full disk or a missing folder is waited for."""
        self._serve()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Let happen, and write, what is due."""
        now = self._clock()
        self._begin_what_is_planned(now)
        asks = [] if self.paused else self._crowd.until(now)
        for attack in self.attacks.values():
            asks += attack.until(now, self._random)
        try:
            self._write(sorted(asks, key=lambda ask: ask.at))
            for audit in self._logs:
                audit.tick()
        except OSError as error:
            if not self._troubled:
                log.warning("the audit log cannot be written: %s", error)
            self._troubled = True
        else:
            self._troubled = False

    async def stop(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self.door.close()
        try:
            for audit in self._logs:
                audit.close()
        except OSError as error:
            log.warning("the audit log cannot be written: %s", error)

    def attack(self, kind: str, *, pace: float = 1.0) -> Attack:
        """Begin one now. Raises ValueError for a kind that there is not, RuntimeError if there are too many already."""
        if sum(not attack.over for attack in self.attacks.values()) >= _MOST_AT_ONCE:
            raise RuntimeError(f"{_MOST_AT_ONCE} attacks at once are enough")
        # What stands out from a container's own past needs one that has a past.
        container = next(self._sleepers) if kind == "drip" else self._crowd.container()
        number = next(self._attack_numbers)
        attack = plan_attack(
            kind,
            self._random,
            number=number,
            container=container,
            pid=self._crowd.pid(),
            began=self._clock(),
            pace=pace,
        )
        self.attacks[number] = attack
        while len(self.attacks) > _REMEMBERED:
            del self.attacks[next(iter(self.attacks))]
        return attack

    def summary(self) -> dict[str, Any]:
        """What there was to count, as JSON."""
        attacks = [attack.summary() for attack in self.attacks.values()]
        return {**self.truth.summary(), "rotations": list(self.rotations), "attacks": attacks}

    def routes(self) -> Sequence[web.RouteDef]:
        """For the demo's API."""
        return (web.post("/attack/{kind}", self._post_attack), web.post("/proxy/faults", self._post_faults))

    def _begin_what_is_planned(self, now: float) -> None:
        if now >= self._next_attack:
            self._next_attack = now + self._random.uniform(*_CALM)
            if not self.paused and all(attack.over for attack in self.attacks.values()):
                self.attack(next(self._programme))

    def _serve(self) -> None:
        self._serving = asyncio.create_task(self.door.serve())

    def _write(self, asks: Sequence[Ask]) -> None:
        main: list[Line] = []
        legacy: list[Line] = []
        for ask in asks:
            form: Form = "documented" if ask.container else self._random.choice(("logged", "flat"))
            lines = main if ask.container else legacy
            if self._random.random() < (_CHATTER if ask.container else 5 * _CHATTER):
                lines.append(chatter(self._random, form, ask.at))
            lines.append(in_form(ask, form, next(self._numbers)))
        self._main.write(main)
        self._legacy.write(legacy)

    def _written(self, lines: Sequence[Line]) -> None:
        self.truth.written(lines)
        now = self._clock()
        for line in lines:
            if line.ask is not None and line.ask.attack in self.attacks:
                self.attacks[line.ask.attack].noted(now)

    async def _post_attack(self, request: web.Request) -> web.Response:
        try:
            attack = self.attack(request.match_info["kind"])
        except ValueError as error:
            return web.json_response({"error": str(error), "kinds": KINDS}, status=404)
        except RuntimeError as error:
            return web.json_response({"error": str(error)}, status=429)
        return web.json_response(attack.summary())

    async def _post_faults(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=_Faults)
        except msgspec.DecodeError as error:
            return web.json_response({"error": f"expected a JSON object of faults: {error}"}, status=400)
        if faults.paused is not None:
            self.paused = faults.paused
        try:
            if faults.down is not None and faults.down != (self._serving is None):
                await self._toggle()
        except StartError as error:
            return web.json_response({"error": str(error)}, status=409)
        return web.json_response({"down": self._serving is None, "paused": self.paused})

    async def _toggle(self) -> None:
        """Listen no longer, or again."""
        if self._serving is None:
            self.door.open()
            self._serve()
        else:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
            self._serving = None
            self.door.close()
