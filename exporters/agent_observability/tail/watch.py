"""All logs of a source: finds them, looks at them, reads on, and says what is to be committed."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from agent_observability.tail.alike import same
from agent_observability.tail.config import TailConfig
from agent_observability.tail.files import File
from agent_observability.tail.place import Book, Place, decode
from agent_observability.tail.proposal import Proposal, Share, name_of
from agent_observability.tail.reading import Round
from agent_observability.tail.siblings import is_sibling, logs
from agent_observability.tail.state import Patience
from agent_observability.tail.trail import Trail

__all__ = ["Watch"]

log = logging.getLogger(__name__)

_FORGET_SECONDS = 7 * 86_400
# After a scan of the wildcards there is none for so many times as long as it took.
_SCAN_PAUSE = 10


class Watch:
    """Used by one thread at a time. `resume` comes first."""

    def __init__(
        self,
        source: str,
        config: TailConfig,
        *,
        patience: Patience,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._config = config
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
            now = self._steady()
            self._scan(owners)
            # Where there are very many files, most of the time is still for reading.
            took = self._steady() - now
            self._next_scan = now + max(self._patience.search, _SCAN_PAUSE * took)

    def read(self, work: Round) -> Proposal | None:
        """Read on; None if there is nothing to commit. Raises what the reader raises."""
        # Before anything is read it is noted which files were there at first, so that the others are new for good.
        unmarked = [key for key in map(self._marker, self._config.paths) if key not in self._positions]
        proposal = Proposal(work, first=bool(unmarked))
        for key in unmarked:
            proposal.move(key, "", "known")
        for trail in self._in_turn():
            if work.full:
                break
            before = trail.state
            after = before if unmarked else trail.read(work)
            if trail.worth_committing(after):
                share = Share(trail, before, after, trail.position(after))
                proposal.shares.append(share)
                proposal.move(self._key(trail.path), trail.text, share.text)
            elif after is not before:
                trail.adopt(after)
        self._forget(proposal)
        return proposal if proposal.positions else None

    def close(self) -> None:
        for trail in self.trails.values():
            trail.close()

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
        room = self._config.files - sum(trail.here or not trail.over for trail in self.trails.values())
        for path, pattern in matches.items():
            if path in self.trails or (glob.has_magic(pattern) and is_sibling(path, bases)):
                continue
            if room <= 0:
                self.left_out += 1
            elif self._begin(path, pattern, owners):
                room -= 1

    def _begin(self, path: str, pattern: str, owners: dict[tuple[int, int], str]) -> bool:
        """Follow one more; whether it is one."""
        try:
            path.encode()
            status = Path(path).stat()
            if owners.get((status.st_dev, status.st_ino), path) != path:
                return False
        except UnicodeEncodeError:
            log.debug("%r is no name of a log", path)
            return False
        except OSError:
            # The trail itself will say why.
            pass
        trail = self._follow(path, pattern)
        trail.look(owners)
        owners.update((file.identity, path) for file in trail.state.files)
        return trail.here or not trail.over

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
                    proposal.move(self._key(trail.path), trail.text, None)
                    proposal.dropped.append(trail.path)
                else:
                    self.trails.pop(trail.path).close()
        used = {self._key(path) for path in self.trails} if self._stale else set()
        for key in self._stale:
            if key not in used:
                proposal.move(key, self._positions[key], None)

    def _take_over(self, positions: Mapping[str, str]) -> None:
        mine = (self._file_prefix, self._pattern_prefix)
        self._positions = {key: text for key, text in positions.items() if key.startswith(mine)}

    def _key(self, path: str) -> str:
        return name_of(self._file_prefix, path)

    def _marker(self, pattern: str) -> str:
        return name_of(self._pattern_prefix, pattern)


def _book(text: str) -> Book | None:
    try:
        return decode(text)
    except ValueError as error:
        log.error("%s; what is in the log now is not counted, lest it be counted twice", error)
        return None
