"""A tailer without its event loop and ledger: what the tests of files, rotations and restarts drive step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_observability.tail.config import TailConfig
from agent_observability.tail.part import Taken
from agent_observability.tail.proposal import Proposal
from agent_observability.tail.reading import Round
from agent_observability.tail.state import Patience
from agent_observability.tail.watch import Watch
from agent_observability.units import Duration

PATIENCE = Patience(idle=60, missing=10, search=1)


class Lines:
    """A reader that keeps what it is given."""

    def __init__(self) -> None:
        self.handed: list[bytes] = []

    def take(self, path: str, lines: Sequence[bytes]) -> Taken:
        assert all(line.endswith(b"\n") for line in lines)
        self.handed += [line[:-1] for line in lines]
        malformed = sum(line.startswith(b"?") for line in lines)
        return Taken(parsed=len(lines) - malformed, malformed=malformed)

    def facts(self) -> Mapping[tuple[str, str], bytes | None]:
        raise AssertionError("only a tailer asks for facts")

    def restore(self) -> None:
        raise AssertionError("only a tailer restores")


class Following:
    """Follows logs; `lines` are those that are committed, `counts` what was counted of the tailer itself."""

    def __init__(self, *paths: Path | str, start: str = "beginning", files: int = 200, interval: float = 0.25) -> None:
        self.config = TailConfig(
            paths=[str(path) for path in paths],
            start=start,  # type: ignore[arg-type]
            files=files,
            interval=Duration(interval),
        )
        self.now = 1000.0
        self.wall = 1_790_000_000.0
        self.positions: dict[str, str] = {}
        self.lines: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.commits = 0
        self.watch = self._open()

    def _open(self) -> Watch:
        self.reader = Lines()
        watch = Watch(
            "test",
            self.config,
            patience=PATIENCE,
            clock=lambda: self.wall,
            steady=lambda: self.now,
        )
        watch.resume(dict(self.positions))
        return watch

    def restart(self) -> None:
        """As after a SIGKILL."""
        self.watch.close()
        self.watch = self._open()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def look(self) -> None:
        """What a poll does while the ledger is down."""
        self.pass_time(self.config.interval)
        self.watch.look()

    def propose(self, **round_: Any) -> Proposal | None:
        """Read, and do not commit."""
        self.reader.handed.clear()
        return self.watch.read(Round(self.reader.take, **round_))

    def commit(self, proposal: Proposal, *, answered: bool = True) -> None:
        """As the ledger does it; without an answer nobody is told."""
        for key, before in proposal.after.items():
            assert self.positions.get(key, "") == before
        for key, text in proposal.positions.items():
            if text is None:
                self.positions.pop(key, None)
            else:
                self.positions[key] = text
        self.commits += 1
        self.lines += self.reader.handed
        for metric, labels, ((_, amount),), _ in proposal.batch("test").counts:
            self.counts[
                "_".join((metric.name.removeprefix("agent_obs_tail_").removesuffix("_total"), *labels[1:]))
            ] += amount
        if answered:
            self.watch.accept(proposal)

    def poll(self, times: int = 1) -> list[bytes]:
        """So many polls, each reading all there is; the lines they have found."""
        before = len(self.lines)
        for _ in range(times):
            self.look()
            while (proposal := self.propose()) is not None:
                self.commit(proposal)
                if not proposal.more:
                    break
        return self.lines[before:]

    def wait(self, seconds: float) -> list[bytes]:
        """Polls after some time has passed."""
        self.pass_time(seconds)
        return self.poll(2)

    @property
    def trail(self) -> Any:
        """The only one."""
        [trail] = self.watch.trails.values()
        return trail


def append(path: Path, *lines: str | bytes) -> None:
    """Write whole lines to the end of a file, which may be new."""
    with path.open("ab") as stream:
        for line in lines:
            stream.write((line.encode() if isinstance(line, str) else line) + b"\n")


def numbered(first: int, last: int) -> list[bytes]:
    """Lines like those of a log: each another one, none short."""
    return [
        b'{"timestamp": "2026-09-21T10:%02d:%02d", "id": %d}' % (n // 60 % 60, n % 60, n) for n in range(first, last)
    ]
