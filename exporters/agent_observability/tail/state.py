"""What is known of one path: its files, from the oldest that is not done with to the newest."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from msgspec.structs import replace as changed

from agent_observability.tail.files import File
from agent_observability.tail.place import Book, Place, remember

__all__ = ["Patience", "Segment", "State", "merge", "segment"]

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. A file that was rotated away is kept open until nothing was written to it for `idle`. One that is
    nowhere is looked for during `missing`. Wildcards and missing files are looked for every `search`.
    """

    idle: float = 60.0
    missing: float = 10.0
    search: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A file and how far it has been read. `id` stays the same as long as the segment does.

    Without a `file` it is missing since the monotonic time `since`. `looked` and `drained` are size and mtime of the
    file when it was last looked at, and when it was last read to its end.
    """

    id: int
    place: Place
    file: File | None = None
    since: float = 0.0
    looked: tuple[int, int] = (0, 0)
    drained: tuple[int, int] | None = None

    def again(self, file: File) -> Segment:
        """With its own file, which may have changed since."""
        return replace(self, file=file, looked=(self.place.size, self.place.mtime), drained=None)

    def found(self, file: File) -> Segment:
        """In a copy of its file: what was seen of that must be in it."""
        place = self.place
        size = place.size if file.packed else max(place.size, file.size)
        device, inode = file.identity
        place = changed(place, device=device, inode=inode, size=size)
        return replace(self, place=place, file=file, looked=(file.size, file.mtime), drained=None)


@dataclass(frozen=True, slots=True)
class State:
    """`live`: the last segment is the file at the path. `latest` is the id of the one that last was.

    `renames`, `truncations` and `lost` (bytes) have not been committed yet. For the rest see `Book`.
    """

    segments: tuple[Segment, ...] = ()
    live: bool = False
    latest: int = -1
    floor: int = 0
    past: tuple[Place, ...] = ()
    newest: float = 0.0
    renames: int = 0
    truncations: int = 0
    lost: int = 0

    @property
    def files(self) -> list[File]:
        return [one.file for one in self.segments if one.file is not None]

    @property
    def missing(self) -> list[Segment]:
        return [one for one in self.segments if one.file is None]

    @property
    def lag(self) -> int:
        """Bytes that are there and have not been counted."""
        return sum(
            max(one.place.owed, one.file.size - one.place.offset if one.file and not one.file.packed else 0)
            for one in self.segments
        )

    @property
    def size(self) -> int:
        """Of the file at the path."""
        file = self.segments[-1].file if self.live else None
        return file.size if file else 0

    def put(self, old: Segment, *new: Segment) -> State:
        """Others in the place of a segment."""
        index = self.segments.index(old)
        return replace(self, segments=(*self.segments[:index], *new, *self.segments[index + 1 :]))

    def done(self, old: Segment) -> State:
        """Without a segment, of which nothing more can be had."""
        state = replace(self, lost=self.lost + old.place.owed, past=remember(self.past, old.place))
        return state.put(old)

    def bounded(self, most: int) -> tuple[State, int]:
        """With at most so many segments, and how many were given up with something in them that was not read.

        The oldest go, those first of which everything was read: somebody might have written to them yet.
        """
        state, given_up = self, 0
        while len(state.segments) > most:
            old = state.segments[: len(state.segments) - state.live]
            one = next((one for one in old if not one.place.owed), old[0])
            given_up += one.place.owed > 0
            state = state.done(one)
        return state, given_up

    def book(self, path: str, pattern: str, number: int, seen: float) -> Book:
        """As it is kept."""
        ids = [one.id for one in self.segments]
        last = ids.index(self.latest) if self.latest in ids else -1
        places = tuple(one.place for one in self.segments)
        return Book(path, pattern, number, int(seen), self.newest, self.floor, last, places, self.past)

    def essence(self) -> object:
        """Changes when there is something to commit: not because a file grows that is not read."""
        places = [(one.place.identity, one.place.offset, one.place.skip) for one in self.segments]
        return places, self.past, self.renames, self.truncations, self.lost

    @classmethod
    def opened(cls, book: Book, now: float) -> State:
        """As it was kept: all files are missing."""
        segments = tuple(segment(place, since=now) for place in book.places)
        latest = segments[book.last].id if 0 <= book.last < len(segments) else -1
        return cls(segments, latest=latest, floor=book.floor, past=book.past, newest=book.newest)


def segment(place: Place, file: File | None = None, since: float = 0.0) -> Segment:
    """A new one."""
    return Segment(next(_numbers), place, file, since, (file.size, file.mtime) if file else (0, 0))


def merge(current: State, before: State, after: State) -> State:
    """`current`, which has come of `before` by looks, once `after`, which has come of it by reading, is committed."""
    read = {one.id: one for one in after.segments}
    gone = {one.id for one in before.segments} - read.keys()
    segments = tuple(_newer(one, read.get(one.id)) for one in current.segments if one.id not in gone)
    past = after.past
    for place in current.past:
        if place not in before.past:
            past = remember(past, place)
    return replace(
        current,
        segments=segments,
        live=current.live and bool(segments),
        past=past,
        newest=max(current.newest, after.newest),
        renames=current.renames - before.renames,
        truncations=current.truncations - before.truncations,
        lost=current.lost - before.lost,
    )


def _newer(current: Segment, read: Segment | None) -> Segment:
    """What is known of the file by looking, and of its contents by reading."""
    if read is None:
        return current
    old, new = current.place, read.place
    place = changed(
        new, device=old.device, inode=old.inode, size=max(old.size, new.size), mtime=max(old.mtime, new.mtime)
    )
    return replace(current, place=place, drained=read.drained)
