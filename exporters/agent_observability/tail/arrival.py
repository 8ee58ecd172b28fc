"""What it means that there is another file at a path than before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec.structs import replace as changed

from agent_observability.tail.alike import same
from agent_observability.tail.files import File
from agent_observability.tail.place import Place
from agent_observability.tail.search import last_places
from agent_observability.tail.state import Segment, State, segment

__all__ = ["EMPTIED", "RENAMED", "arrived", "beginning", "begun"]

RENAMED, EMPTIED = "renamed", "emptied"
"""How a log was rotated, so that there may be files between that nobody has seen."""


def beginning(file: File) -> Place:
    """Nothing of it was read."""
    return Place(*file.identity, size=file.size, mtime=file.mtime)


def begun(path: str, state: State, file: File, place: Callable[[File], Place]) -> tuple[State, str]:
    """The state with the first file of all; what lies beside it is history."""
    one = segment(place(file), file)
    past = last_places(path, file.mtime)
    return replace(state, segments=(one,), live=True, latest=one.id, past=past), ""


def arrived(state: State, file: File) -> tuple[State, str]:
    """The state with another file at the path, and how the former was rotated if it was."""
    for one in state.segments:
        if one.file is not None and one.file.identity == file.identity:
            file.close()
            return _back(state, one, one)
    read = max([0, *(one.place.offset for one in state.segments if one.place.offset and same(one.place, file))])
    for one in state.missing:
        # A file that has been read further under another inode is a copy, in spite of this one: it is used again.
        if one.place.identity == file.identity and one.place.offset >= read and same(one.place, file):
            found, how = _back(state, one, one.again(file))
            # If nothing was read of it, it may have been written and emptied.
            written = not one.place.offset and one.place.mtime != file.mtime
            return found, EMPTIED if written else how
    # Nothing that is known: it is read from its beginning, unless the search finds that it is a copy.
    former = next((one.place for one in state.segments if one.id == state.latest), None)
    emptied = former is not None and former.identity == file.identity
    one = segment(_known(state, file, read) or beginning(file), file)
    state = replace(state, segments=(*state.segments, one), live=True, latest=one.id)
    return _counted(state, emptied=emptied), EMPTIED if emptied else RENAMED


def _known(state: State, file: File, read: int) -> Place | None:
    """How far it was read as a file that is done with, under whatever inode; None if `read` of it was elsewhere."""
    places = [place for place in state.past if place.offset > read and same(place, file)]
    if not places:
        return None
    device, inode = file.identity
    place = max(places, key=lambda one: one.offset)
    size = place.size if file.packed else max(place.offset, file.size)
    return changed(place, device=device, inode=inode, size=size)


def _back(state: State, old: Segment, new: Segment) -> tuple[State, str]:
    """A file that was known is at the path: it never left, or has come back."""
    left = old.id != state.latest
    state = state.put(old)
    state = replace(state, segments=(*state.segments, new), live=True, latest=new.id)
    return (_counted(state, emptied=False), RENAMED) if left else (state, "")


def _counted(state: State, *, emptied: bool) -> State:
    return replace(state, truncations=state.truncations + emptied, renames=state.renames + (not emptied))
