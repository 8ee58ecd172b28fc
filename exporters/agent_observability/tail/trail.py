"""Follows one path through rotations: which file is there now, which were there before, which of them are missing."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace

from msgspec.structs import replace as changed

from agent_observability.tail.alike import same
from agent_observability.tail.arrival import EMPTIED, RENAMED, arrived, beginning, begun
from agent_observability.tail.files import File, open_file
from agent_observability.tail.place import Book, Place
from agent_observability.tail.reading import Round, begin_at_end, read_on
from agent_observability.tail.search import WAITING, Search
from agent_observability.tail.state import Patience, State, merge
from agent_observability.tail.verify import refreshed, unchanged

__all__ = ["Trail"]

log = logging.getLogger(__name__)

Owners = Mapping[tuple[int, int], str]


class Trail:
    """One path. Only the tailer's worker thread uses it. `steady` is a monotonic clock.

    `look` notes what becomes of the files, which cannot be undone; `read` proposes a state, which `accept` takes over
    once it is committed. `text` is the position in the ledger, `seen` when a file was last at the path.
    """

    def __init__(
        self,
        path: str,
        pattern: str,
        *,
        patience: Patience,
        clock: Callable[[], float],
        steady: Callable[[], float],
        book: Book | None = None,
        text: str = "",
        at_end: bool = False,
        inherit: Callable[[File], Place | None] = lambda _: None,
    ) -> None:
        self.path = path
        self.pattern = pattern
        self._patience = patience
        self._clock = clock
        self._steady = steady
        self._at_end = at_end
        self._inherit = inherit
        self._problems: dict[str, str] = {}
        self._away_since: float | None = None
        self.state = State()
        self.resume(book, text)
        self.seen = book.seen if book else clock()

    def resume(self, book: Book | None, text: str) -> None:
        """Go on from what the ledger holds; files that are open stay so as far as they are named there."""
        held = {file.identity: file for file in self.state.files}
        self.state = State.opened(book, self._steady()) if book else State()
        self.text = text
        self._number = book.number if book else 0
        self._committed = self.state.essence()
        self._clean: State | None = None
        # What the ledger holds cannot be read: better nothing than twice.
        self._at_end |= bool(text) and book is None
        self._event = book is not None
        self._rotated = ""
        self._next_search = 0.0
        for one in self.state.missing:
            file = held.get(one.place.identity)
            if file is not None and same(one.place, file):
                self.state = self.state.put(one, one.again(held.pop(file.identity)))
        for file in held.values():
            file.close()

    @property
    def problem(self) -> str:
        """Why it cannot be read, or ""."""
        return self._problems.get("path", "") or self.unreadable

    @property
    def unreadable(self) -> str:
        """Why a file that is open cannot be read, or ""."""
        return self._problems.get("file", "")

    @property
    def here(self) -> bool:
        """Whether there is a file at the path, as of the last look."""
        return self.state.live

    @property
    def over(self) -> bool:
        """Whether there is nothing to be read any more."""
        return not self.state.segments

    def worth_committing(self, state: State) -> bool:
        """Whether a state is another than what the ledger holds."""
        if state is self._clean:
            return False
        if state.essence() != self._committed:
            return True
        self._clean = state
        return False

    def close(self) -> None:
        for file in self.state.files:
            file.close()
        self.state = State()

    def look(self, owners: Owners) -> None:
        """What has become of the files. `owners` are the paths of the trails by the identities of their files."""
        if not self._event and not self._problems.get("path") and unchanged(self.state, self.path):
            self.seen = self._clock()
            return
        before = self.state.files
        now = self._steady()
        try:
            self.state, event, emptied = refreshed(self.state, now)
            self._event |= event
            if emptied:
                self._moved(EMPTIED)
            self._look_at_path(owners, now)
            self._search(owners, now)
            if self.state.live:
                # Only now: what was written since the last look is what the search is for.
                self.state = replace(self.state, floor=max(self.state.floor, self.state.segments[-1].place.mtime))
        finally:
            kept = set(map(id, self.state.files))
            for file in before:
                if id(file) not in kept:
                    file.close()

    def read(self, work: Round) -> State:
        """Read on. Raises what the reader raises."""
        state = read_on(self.path, self.state, work, self._steady(), self._patience)
        self._report("file", work.problem)
        work.problem = ""
        return state

    def adopt(self, state: State) -> None:
        """Take over what `read` has made without anything to commit."""
        self.state = state

    def forgotten(self) -> None:
        """The ledger does not know of it (any more), which is no reason to read anything twice."""
        self.text = ""
        self._committed = State().essence()
        self._clean = None

    def position(self, state: State) -> str:
        """What the ledger is to hold for a state."""
        return state.book(self.path, self.pattern, self._number + 1, self.seen).encode()

    def accept(self, before: State, after: State, text: str) -> None:
        """`after`, which `read` has made of `before`, is committed as `text`."""
        files = self.state.files
        self.state = merge(self.state, before, after)
        kept = set(map(id, self.state.files))
        for file in files:
            if id(file) not in kept:
                file.close()
        self.text = text
        self._number += 1
        self._clean = None
        self._committed = replace(after, renames=0, truncations=0, lost=0).essence()

    def _look_at_path(self, owners: Owners, now: float) -> None:
        live = self.state.segments[-1] if self.state.live else None
        try:
            status = os.stat(self.path)  # noqa: PTH116 - at every poll, of every log
            identity = status.st_dev, status.st_ino
            if not stat.S_ISREG(status.st_mode):
                self._away("is a directory" if stat.S_ISDIR(status.st_mode) else "is no regular file")
                return
            if (owner := owners.get(identity, self.path)) != self.path:
                self._away(f"is the same file as {owner}")
                return
            if live is None or live.file is None or live.file.identity != identity:
                self._arrive(open_file(self.path, now))
        except (FileNotFoundError, NotADirectoryError):
            self._away("is not there")
            return
        except OSError as error:
            self._report("path", f"{self.path}: {error.strerror or error}")
            return
        self._report("path", "")
        self._away_since = None
        self.seen = self._clock()
        live = self.state.segments[-1]
        if live.file is not None and live.place.mtime != live.file.mtime:
            self.state = self.state.put(live, replace(live, place=changed(live.place, mtime=live.file.mtime)))

    def _away(self, why: str) -> None:
        self._at_end = False
        self._report("path", f"{self.path} {why}")
        now = self._steady()
        if self._away_since is None:
            self._away_since = now
        # Until there is a file again, others may come and go unseen.
        if now - self._away_since < self._patience.idle and now >= self._next_search and not self.over:
            self._moved(RENAMED)
        self.state = replace(self.state, live=False)

    def _arrive(self, file: File) -> None:
        """There is another file at the path."""
        first = not self.state.segments and not self.state.past
        try:
            self.state, how = begun(self.path, self.state, file, self._place) if first else arrived(self.state, file)
        except OSError:
            # It will be opened again at every look.
            file.close()
            raise
        self._at_end = False
        if how:
            self._moved(how)

    def _place(self, file: File) -> Place:
        """Where the first file of all is begun."""
        return self._inherit(file) or (begin_at_end(file) if self._at_end else beginning(file))

    def _moved(self, how: str) -> None:
        self._event, self._rotated = True, how

    def _search(self, owners: Owners, now: float) -> None:
        """Among the files beside it, after a rotation, and again while one is missing."""
        if not (self._event or (self.state.missing and now >= self._next_search)):
            return
        search = Search(self.path, self.state, owners, now)
        state = search.run(between=bool(self._rotated))
        # Each of those between was at the path once.
        emptied = search.added if self._rotated == EMPTIED else 0
        state = replace(state, renames=state.renames + search.added - emptied, truncations=state.truncations + emptied)
        # While nothing can be committed, a log may be rotated any number of times.
        self.state, given_up = state.bounded(WAITING + 1)
        if given_up := given_up + len(search.unread):
            log.error("%s: %d rotated files are given up, %d wait already", self.path, given_up, WAITING)
        self._event, self._rotated, self._next_search = False, "", now + self._patience.search

    def _report(self, kind: str, problem: str) -> None:
        """Said once, not at every look."""
        if problem != self._problems.get(kind, ""):
            self._problems[kind] = problem
            log.log(logging.WARNING if problem else logging.INFO, "%s", problem or f"{self.path} can be read again")
