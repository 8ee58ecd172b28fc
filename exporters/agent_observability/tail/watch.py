"""All logs of a source: finds them, looks at them, reads on, and says what is to be committed."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent_observability.ledger.batch import MAX_TEXT, Batch, Count, count
from agent_observability.tail.config import TailConfig
from agent_observability.tail.files import File
from agent_observability.tail.metrics import TAIL_LINES, TAIL_LOST, TAIL_ROTATIONS
from agent_observability.tail.part import Reader, Taken
from agent_observability.tail.place import Book, Place, decode, digest
from agent_observability.tail.reading import Round
from agent_observability.tail.search import same
from agent_observability.tail.siblings import is_sibling, logs
from agent_observability.tail.state import Patience, State
from agent_observability.tail.trail import Trail

__all__ = ["Proposal", "Share", "Watch"]

log = logging.getLogger(__name__)

_FORGET_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Share:
    """What a round has made of one trail."""

    trail: Trail
    before: State
    after: State
    text: str


@dataclass(slots=True)
class Proposal:
    """One round: what is to be committed, and taken over once it is. `first`: nothing has been read yet."""

    work: Round
    first: bool = False
    shares: list[Share] = field(default_factory=list)
    positions: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    @property
    def more(self) -> bool:
        """Whether there may be more to read at once."""
        return self.first or self.work.full


class Watch:
    """Used by one thread at a time. `resume` comes first."""

    def __init__(
        self,
        source: str,
        config: TailConfig,
        reader: Reader,
        *,
        patience: Patience,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._config = config
        self._reader = reader
        self._source = source
        self._patience = patience
        self._clock = clock
        self._steady = steady
        # As the ledger has them: of files, and for each pattern that its first files are known.
        self._positions: dict[str, str] = {}
        self._stale: list[str] = []
        self._next_scan = 0.0
        self._turn = 0
        self._file_prefix, self._pattern_prefix = f"tail/{source}/file", f"tail/{source}/pattern"
        self.trails: dict[str, Trail] = {}
        self.unmatched: list[str] = []
        """Patterns that match no file."""
        self.left_out = 0
        """How many files are too many to follow."""

    def resume(self, positions: Mapping[str, str]) -> None:
        """Go on from what the ledger holds. Logs that are not configured any more are forgotten after a while."""
        self._take_over(positions)
        for key, text in self._positions.items():
            if key.startswith(self._file_prefix):
                book = _book(text)
                if book is not None and book.pattern in self._config.paths:
                    self._follow(book.path, book.pattern)
                elif book is None or book.seen < self._clock() - _FORGET_SECONDS:
                    self._stale.append(key)
            elif key not in map(self._marker, self._config.paths):
                self._stale.append(key)

    def settle(self, proposal: Proposal | None, positions: Mapping[str, str]) -> bool:
        """Fit all to what the ledger holds; whether a proposal whose commit got no answer is stored."""
        self._take_over(positions)
        stored = proposal is not None and all(
            self._positions.get(key) == text for key, text in proposal.positions.items()
        )
        if proposal is not None and stored:
            self._accept(proposal)
        for path, trail in self.trails.items():
            text = self._positions.get(self._key(path), "")
            if text == trail.text:
                continue
            if text:
                # Somebody else has read on.
                trail.resume(_book(text), text)
            else:
                trail.forgotten()
        return stored

    def accept(self, proposal: Proposal) -> None:
        """A proposal is committed."""
        for key, text in proposal.positions.items():
            if text is None:
                self._positions.pop(key, None)
            else:
                self._positions[key] = text
        self._accept(proposal)
        self._turn += 1

    def _accept(self, proposal: Proposal) -> None:
        for share in proposal.shares:
            share.trail.accept(share.before, share.after, share.text)
        for path in proposal.dropped:
            if self.trails[path].over:
                self.trails.pop(path).close()
            else:
                # It has come back in the meantime.
                self.trails[path].forgotten()
        self._stale = [key for key in self._stale if key in self._positions]

    def look(self) -> None:
        """What has become of the files; which new ones there are."""
        now = self._steady()
        owners = {file.identity: path for path, trail in self.trails.items() for file in trail.state.files}
        for trail in self.trails.values():
            trail.look(owners)
        if now >= self._next_scan:
            self._next_scan = now + self._patience.search
            self._scan(owners)

    def read(self, work: Round) -> Proposal | None:
        """Read on; None if there is nothing to commit. Raises what the reader raises."""
        # Before anything is read it is noted which files were there at first, so that the others are new for good.
        unmarked = [key for key in map(self._marker, self._config.paths) if key not in self._positions]
        proposal = Proposal(work, first=bool(unmarked))
        for key in unmarked:
            proposal.positions[key], proposal.after[key] = "known", ""
        for trail in self._in_turn():
            if work.full:
                break
            before = trail.state
            after = before if unmarked else trail.read(work)
            if trail.worth_committing(after):
                self._propose(proposal, trail, before, after)
            elif after is not before:
                trail.adopt(after)
        self._forget(proposal)
        return proposal if proposal.positions else None

    def batch(self, proposal: Proposal) -> Batch:
        """As one commit."""
        taken = proposal.work.taken
        events = [event for one in taken for event in one.events]
        facts = {key: data for one in taken for key, data in one.facts.items()}
        counts = [one for part in taken for one in part.counts]
        counts += self._counts(taken, proposal)
        return Batch(events, counts, proposal.positions, proposal.after, facts, kind=self._source)

    def close(self) -> None:
        for trail in self.trails.values():
            trail.close()

    def _counts(self, taken: list[Taken], proposal: Proposal) -> Iterator[Count]:
        states = [share.after for share in proposal.shares]
        for metric, labels, amount in (
            (TAIL_LINES, ("parsed",), sum(one.parsed for one in taken)),
            (TAIL_LINES, ("ignored",), sum(one.ignored for one in taken)),
            (TAIL_LINES, ("malformed",), sum(one.malformed for one in taken)),
            (TAIL_LINES, ("oversize",), proposal.work.oversize),
            (TAIL_LOST, (), sum(state.lost for state in states)),
            (TAIL_ROTATIONS, ("rename",), sum(state.renames for state in states)),
            (TAIL_ROTATIONS, ("truncate",), sum(state.truncations for state in states)),
        ):
            if amount:
                yield count(metric, (self._source, *labels), amount)

    def _propose(self, proposal: Proposal, trail: Trail, before: State, after: State) -> None:
        share = Share(trail, before, after, trail.position(after))
        proposal.shares.append(share)
        key = self._key(trail.path)
        proposal.positions[key] = share.text
        proposal.after[key] = trail.text

    def _in_turn(self) -> list[Trail]:
        """All that may have something, another one first each time."""
        trails = list(self.trails.values())
        turn = self._turn % len(trails) if trails else 0
        return trails[turn:] + trails[:turn]

    def _scan(self, owners: dict[tuple[int, int], str]) -> None:
        self.unmatched, self.left_out = [], 0
        matches: dict[str, str] = {}
        for pattern in self._config.paths:
            found = logs(pattern)
            if not found:
                self.unmatched.append(pattern)
            for path in found:
                matches.setdefault(path, pattern)
        bases = {*matches, *self.trails}
        for path, pattern in matches.items():
            if path in self.trails or (glob.has_magic(pattern) and is_sibling(path, bases)):
                continue
            self._begin(path, pattern, owners)

    def _begin(self, path: str, pattern: str, owners: dict[tuple[int, int], str]) -> None:
        """Follow one more."""
        try:
            path.encode()
            status = Path(path).stat()
            if owners.get((status.st_dev, status.st_ino), path) != path:
                return
        except UnicodeEncodeError:
            log.debug("%r is no name of a log", path)
            return
        except OSError:
            # The trail itself will say why.
            pass
        if len([trail for trail in self.trails.values() if trail.here or not trail.over]) >= self._config.files:
            self.left_out += 1
            return
        trail = self._follow(path, pattern)
        trail.look(owners)
        owners.update((file.identity, path) for file in trail.state.files)

    def _follow(self, path: str, pattern: str) -> Trail:
        text = self._positions.get(self._key(path), "")
        trail = self.trails[path] = Trail(
            path,
            pattern,
            patience=self._patience,
            clock=self._clock,
            steady=self._steady,
            book=_book(text) if text else None,
            text=text,
            # A position that cannot be read must not make anything count twice.
            at_end=bool(text) or (self._config.start == "end" and self._marker(pattern) not in self._positions),
            inherit=self._inherited,
        )
        return trail

    def _inherited(self, file: File) -> Place | None:
        """A file that was followed under another name, as far as it was read."""
        for trail in self.trails.values():
            for place in trail.state.past:
                if place.identity == file.identity and same(place, file):
                    return place
        return None

    def _forget(self, proposal: Proposal) -> None:
        """What has been gone for long, and what is not configured any more."""
        before = self._clock() - _FORGET_SECONDS
        gone = [trail for trail in self.trails.values() if not trail.here and trail.over]
        late = sorted(gone, key=lambda trail: trail.seen)[: max(0, len(gone) - self._config.files)]
        for trail in gone:
            if trail.seen < before or trail in late:
                if trail.text:
                    proposal.positions[self._key(trail.path)] = None
                    proposal.after[self._key(trail.path)] = trail.text
                    proposal.dropped.append(trail.path)
                else:
                    self.trails.pop(trail.path).close()
        used = {self._key(path) for path in self.trails} if self._stale else set()
        for key in self._stale:
            if key not in used:
                proposal.positions[key], proposal.after[key] = None, self._positions[key]

    def _take_over(self, positions: Mapping[str, str]) -> None:
        mine = (self._file_prefix, self._pattern_prefix)
        self._positions = {key: text for key, text in positions.items() if key.startswith(mine)}

    def _key(self, path: str) -> str:
        return _short(self._file_prefix, path)

    def _marker(self, pattern: str) -> str:
        return _short(self._pattern_prefix, pattern)


def _short(prefix: str, text: str) -> str:
    """A key that a ledger can hold."""
    key = prefix + text
    return key if len(key.encode()) < MAX_TEXT and "\0" not in key else prefix + "#" + digest(text.encode())


def _book(text: str) -> Book | None:
    try:
        return decode(text)
    except ValueError as error:
        log.error("%s; what is in the log now is not counted, lest it be counted twice", error)
        return None
