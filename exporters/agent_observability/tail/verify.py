"""Whether files have changed, and whether they still have what was read of them."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

from msgspec.structs import replace as changed

from agent_observability.tail.files import File
from agent_observability.tail.place import Place
from agent_observability.tail.state import Segment, State, segment

__all__ = ["refreshed", "unchanged"]

log = logging.getLogger(__name__)


def refreshed(state: State, now: float) -> tuple[State, bool, bool]:
    """The state as its open files are seen; whether one went missing, and whether one may have been emptied."""
    event = emptied = False
    for one in state.segments:
        if one.file is None:
            continue
        try:
            one.file.refresh(now)
            if one.file.packed or ((one.file.size, one.file.mtime) == one.looked and one.drained is not None):
                continue
            if _fits(one, one.file):
                # Of a file of which nothing was read nobody can tell whether it was emptied since.
                emptied = emptied or (not one.place.offset and one.file.mtime != one.looked[1])
                state = _grown(state, one, one.file)
                continue
        except OSError as error:
            # The file system has lost it, as NFS does; it may still be found by its name.
            log.warning("%s cannot be read any more: %s", one.file.name, error.strerror)
            live = state.live and one.id != state.latest
            state = replace(state.put(one, replace(one, file=None, since=now)), live=live)
            event = True
            continue
        # What is in the file now is another log, to be read from its beginning; the old one has no inode any more.
        fresh = segment(Place(*one.file.identity, size=one.file.size, mtime=one.file.mtime), one.file)
        latest = fresh.id if one.id == state.latest else state.latest
        gone = replace(one, place=changed(one.place, device=0, inode=0), file=None, since=now)
        state = state.put(one, gone, fresh)
        state = replace(state, latest=latest, truncations=state.truncations + 1)
        emptied = True
    return state, event, emptied


def unchanged(state: State, path: str) -> bool:
    """Whether the only file there is was read to its end and has not changed: it is so nearly always."""
    if not state.live or len(state.segments) > 1:
        return False
    [one] = state.segments
    if one.file is None or one.drained is None or one.drained != one.looked:
        return False
    try:
        status = os.stat(path)  # noqa: PTH116 - at every poll, of every log
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == one.file.identity and (status.st_size, status.st_mtime_ns) == one.looked


def _fits(one: Segment, file: File) -> bool:
    """Raises OSError."""
    place = one.place
    if not place.offset:
        return file.size >= one.looked[0]
    return file.size >= place.offset and file.fits(place)


def _grown(state: State, one: Segment, file: File) -> State:
    """What was seen of a file that is shorter than it was, but not emptied, is lost from its end."""
    cut = max(0, one.looked[0] - file.size)
    place = changed(one.place, size=max(one.place.size - cut, file.size))
    state = state.put(one, replace(one, place=place, looked=(file.size, file.mtime)))
    return replace(state, truncations=state.truncations + bool(cut), lost=state.lost + cut)
