"""Looks among the files beside a log for those that are missing, and for those that came and went unseen.

Nothing may be counted twice, so that what looks like known content, or like a copy of it, is never taken for new.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterator
from dataclasses import replace

from agent_observability.tail.alike import alike, copied, fits, goes_on, shorter_end, tells
from agent_observability.tail.files import File, open_file
from agent_observability.tail.place import HEAD_BYTES, Place, remember
from agent_observability.tail.reading import begin_at_end
from agent_observability.tail.siblings import Sibling, in_order, siblings
from agent_observability.tail.state import Segment, State, segment

__all__ = ["SLACK", "WAITING", "Search", "last_places"]

SLACK = 2_000_000_000
"""Nanoseconds by which the mtime of a copy may be before that of the original: not all tools keep all digits."""
WAITING = 100
"""Files of one log that are read one after the other; if there are more, the oldest are given up."""
# Of those that are looked at; a search may take some more.
_OPEN = 50


class Search:
    """One look at the files beside `path`. `taken` are identities of files that others follow.

    Afterwards `added` says how many that nobody had seen were found, `unread` which were given up.
    """

    def __init__(self, path: str, state: State, taken: Collection[tuple[int, int]], now: float) -> None:
        self.state = state
        self.added = 0
        self.unread: list[str] = []
        self._now = now
        floors = [one.place.mtime for one in state.missing]
        # Clocks are set back: what was read of a file tells more than when it was written.
        lost = {one.place.identity for one in state.missing if one.place.offset}
        floor = min([state.floor, *floors]) - SLACK
        held = {file.identity for file in state.files}
        self._found = [
            one
            for one in in_order(siblings(path))
            if (one.mtime >= floor or one.identity in lost) and one.identity not in held and one.identity not in taken
        ]
        self._files: dict[str, File] = {}
        self._new: list[File] = []

    def run(self, *, between: bool) -> State:
        """The state with missing files found; with `between` also with those that nobody has seen yet."""
        try:
            self._find(by_inode=True)
            self._moved_to_path()
            self._find(by_inode=False)
            self._shorter()
            if between or any(not one.place.offset for one in self.state.missing):
                self._unknown(between=between)
        finally:
            kept = set(map(id, self.state.files))
            for file in self._files.values():
                if id(file) not in kept:
                    file.close()
        return self.state

    def _open(self, sibling: Sibling) -> File | None:
        """None for one that cannot be read (any more)."""
        if sibling.path not in self._files:
            with contextlib.suppress(OSError):
                self._files[sibling.path] = open_file(sibling.path, self._now)
        return self._files.get(sibling.path)

    def _opened(self, *kinds: bool) -> Iterator[tuple[Sibling, File]]:
        """Those that are compressed, or are not, or all; each is to be used before the next one is asked for."""
        for sibling in [one for one in self._found if not kinds or one.packed in kinds]:
            if (file := self._open(sibling)) is None:
                continue
            yield sibling, file
            # There may be more of them than a process may open.
            if len(self._files) > _OPEN and not any(file is one for one in (*self.state.files, *self._new)):
                file.close()
                del self._files[sibling.path]

    def _moved_to_path(self) -> None:
        """The file at the path may be a copy of the one that was there, as editors leave it."""
        state = self.state
        if not state.live or len(state.segments) < 2 or state.segments[-1].place.offset:
            return
        *_, former, live = state.segments
        file = live.file
        if file is None or (former.file is None and not (former.place.offset and fits(file, former.place))):
            return
        keep: list[Segment] = []
        place = former.found(file).place
        if former.file is not None:
            if not alike(file, former.file):
                return
            # What is still to be read of the former file is in the copy, too, if that is whole; what is written to it
            # later is not.
            whole = file.size >= former.file.size
            keep = [] if whole and former.file.size > former.place.offset else [former]
            if not whole:
                try:
                    place = begin_at_end(file)
                    start = file.bytes_at(0, HEAD_BYTES)
                except OSError:
                    return
                if len(start) < HEAD_BYTES and start.count(b"\n") < 2:
                    # Many a log begins with the same line each time.
                    return
        moved = replace(live, place=place)
        self.state = replace(state, segments=(*state.segments[:-2], *keep, moved))

    def _find(self, *, by_inode: bool) -> None:
        """Missing files by what was read of them. Plain files first: a compressed one may have been made of them."""
        for sibling, file in itertools.chain(self._opened(False), self._opened(True)):
            # A file that has several of the places was read up to the last of them.
            offset = max((place.offset for place in self._fitting(file)), default=0)
            fitting = [one for one in self.state.missing if one.place.offset == offset and fits(file, one.place)]
            if not offset or not fitting:
                continue
            missing = next((one for one in fitting if one.place.identity == file.identity), fitting[0])
            itself = not file.packed and missing.place.identity == file.identity
            if itself or not by_inode:
                self._found.remove(sibling)
                self.state = self.state.put(missing, missing.again(file) if itself else missing.found(file))

    def _fitting(self, file: File) -> list[Place]:
        """Places that the file has; in the order that suits a compressed one."""
        places = [*self.state.past, *(one.place for one in self.state.segments)]
        places.sort(key=lambda one: one.offset)
        return [place for place in places if place.offset and fits(file, place)]

    def _shorter(self) -> None:
        """A copy that was taken before the last lines were read has nothing new."""
        for missing in self.state.missing:
            for sibling, file in self._opened():
                if (end := shorter_end(file, missing.place)) is not None:
                    self._found.remove(sibling)
                    self.state = replace(self.state, past=remember(self.state.past, end)).done(missing)
                    break

    def _unknown(self, *, between: bool) -> None:
        new, given_up = self._new, list[tuple[str, int]]()
        for sibling, file in self._opened():
            recent = not between or sibling.mtime >= self.state.floor - SLACK
            if not recent or not sibling.rotated or self._longer(file) or self._known(file):
                continue
            if not any(copied(file, one) for one in new):
                new.append(file)
                if len(new) > WAITING:
                    given_up.append(self._give_up())
        # What was begun and is missing, with nothing of it read, is known by nothing but its time.
        for missing in self.state.missing:
            if new and not missing.place.offset:
                file = next((one for one in new if one.identity == missing.place.identity), new[0])
                new.remove(file)
                self.state = self.state.put(missing, missing.found(file))
        if not between:
            return
        room = max(0, WAITING - len(self.state.segments))
        while len(new) > room:
            given_up.append(self._give_up())
        self.unread = [name for name, _ in given_up]
        state = self.state
        at = len(state.segments) - state.live
        self.added = len(new)
        added = [segment(Place(*file.identity, size=_size(file), mtime=file.mtime), file) for file in new]
        self.state = replace(
            state,
            segments=(*state.segments[:at], *added, *state.segments[at:]),
            lost=state.lost + sum(size for _, size in given_up),
        )

    def _give_up(self) -> tuple[str, int]:
        """The oldest of those that nobody has seen: its name and size."""
        file = self._new.pop(0)
        self._files.pop(file.name).close()
        return file.name, _size(file)

    def _longer(self, file: File) -> bool:
        """Whether it took the place of a file, and went on with that."""
        for one in self.state.segments[: len(self.state.segments) - self.state.live]:
            if one.file is not None and goes_on(file, one.file):
                self.state = self.state.put(one, one.found(file))
                return True
        return False

    def _known(self, file: File) -> bool:
        places = [place for place in self._fitting(file) if tells(place, file)]
        return bool(places) or any(copied(file, other) for other in self.state.files)


def last_places(path: str, since: int) -> tuple[Place, ...]:
    """The ends of what lies beside a log that is followed from now on: history, whatever becomes of its files."""
    places: tuple[Place, ...] = ()
    for sibling in in_order(siblings(path)):
        if sibling.mtime >= since - SLACK:
            with contextlib.suppress(OSError), contextlib.closing(open_file(sibling.path, 0.0)) as file:
                places = remember(places, file.place_at(file.length()))
    return places


def _size(file: File) -> int:
    # How much a compressed file holds is known once it was read.
    return 0 if file.packed else file.size
