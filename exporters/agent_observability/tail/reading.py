"""Reads on in the files of one path, and hands the lines to the reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as changed

from agent_observability.tail.files import File
from agent_observability.tail.lines import MAX_LINE, Piece, cut
from agent_observability.tail.part import Taken
from agent_observability.tail.place import PRINT_BYTES, Place, digest
from agent_observability.tail.state import Patience, Segment, State

__all__ = ["CHUNK", "Round", "begin_at_end", "read_on"]

CHUNK = 1024 * 1024
# Each round writes what is known of every container in it: fewer and larger ones cost less.
_ROUND_BYTES = 8 * 1024 * 1024

Take = Callable[[str, Sequence[bytes]], Taken]


@dataclass(slots=True)
class Round:
    """What is committed together: at most `most` lines, or as many as `left` bytes hold.

    With `give_up` they are not handed to the reader: they could not be stored, and count as malformed.
    """

    take: Take
    most: int = 0
    give_up: bool = False
    left: int = _ROUND_BYTES
    taken: list[Taken] = field(default_factory=list)
    lines: int = 0
    oversize: int = 0
    problem: str = ""

    @property
    def full(self) -> bool:
        """Whether the next has to wait for the next round."""
        return self.left <= 0 or (self.most > 0 and self.lines > 0)

    def hand_in(self, path: str, piece: Piece, size: int) -> None:
        """Lines on their way to the reader."""
        self.oversize += piece.oversize
        # Holes, and what is passed over, cost next to nothing; yet there may be much of it.
        self.left -= size if piece.lines else size // 64 + 1
        if piece.lines:
            self.lines += len(piece.lines)
            self.taken.append(Taken(malformed=len(piece.lines)) if self.give_up else self.take(path, piece.lines))


def read_on(path: str, state: State, work: Round, now: float, patience: Patience) -> State:
    """The state behind what was read. Older files come first; one that cannot be read holds up none.

    Raises what `take` raises.
    """
    for one in state.segments:
        if work.full:
            break
        if one.file is None:
            if now - one.since >= patience.missing:
                state = state.done(one)
            continue
        live = state.live and one.id == state.latest
        idle = now - one.file.grown >= patience.idle
        try:
            read = _read_segment(path, one, one.file, work, last=False)
            whole = one.file.packed and not one.file.broken
            ended = not live and read.drained is not None and (whole or idle)
            if ended and not work.full:
                # Nobody writes to it any more: what has no newline will get none.
                read = _read_segment(path, replace(read, drained=None), one.file, work, last=True)
        except OSError as error:
            work.problem = f"{one.file.name}: {error.strerror or error}"
            if not live and idle:
                state = state.done(one)
            continue
        work.problem = work.problem or one.file.broken
        if read is not one:
            state = state.put(one, read)
        if ended and read.drained is not None:
            state = state.done(read)
    if work.taken:
        state = replace(state, newest=max(state.newest, *[taken.newest for taken in work.taken]))
    return state


def begin_at_end(file: File) -> Place:
    """The place behind the last whole line. Raises OSError."""
    start = max(0, file.size - MAX_LINE)
    data = file.bytes_at(start, file.size - start)
    found = data.rfind(b"\n") + 1
    if found or not start:
        return file.place_at(start + found)
    return file.place_at(start + len(data), skip=True)


def _read_segment(path: str, one: Segment, file: File, work: Round, *, last: bool) -> Segment:
    """Read to the end of the file, or until the round is full. Raises OSError if nothing could be read."""
    if one.drained is not None and one.drained == one.looked:
        return one
    place, ended = one.place, False
    while not ended and not work.full:
        try:
            step = _read_chunk(path, place, file, work, last=last)
        except OSError:
            if place is one.place:
                raise
            break
        if step is None:
            # Emptied in place: the next look will find that.
            break
        place, ended = step
    if place is one.place and not ended:
        return one
    return replace(one, place=place, drained=one.looked if ended else None)


def _read_chunk(path: str, place: Place, file: File, work: Round, *, last: bool) -> tuple[Place, bool] | None:
    """The place behind the lines that were handed in, and whether that is all. None if the file does not fit."""
    found = file.read(place, CHUNK)
    if found is None:
        return None
    data, lead = found
    offset = place.offset
    # A hole may be of many gigabytes. The place stays before it, as long as no line behind it was read.
    if data[lead : lead + 1] == b"\0" and (behind := file.behind_hole(offset)) > offset:
        if behind >= file.size:
            return place, True
        data, lead, offset = file.bytes_at(behind, CHUNK), 0, behind
        if not file.fits(place):
            return None
    ended = len(data) - lead < CHUNK
    piece = cut(data, lead, skip=place.skip, ended=ended, last=last and ended, most=work.most)
    if piece.used > lead:
        before = data[max(0, piece.used - PRINT_BYTES) : piece.used]
        place = _moved(place, file, offset + piece.used - lead, before, skip=piece.skip)
    work.hand_in(path, piece, len(data) - lead)
    return place, ended and not (work.most and data.find(b"\n", piece.used) >= 0)


def _moved(place: Place, file: File, offset: int, before: bytes, *, skip: bool) -> Place:
    """The place at `offset`, `before` being what is just before it as far as that is known."""
    number = min(PRINT_BYTES, offset)
    if len(before) < number:
        before = file.bytes_at(offset - number, number)
    return changed(
        place,
        offset=offset,
        printed=digest(before),
        head=place.head or file.head(),
        size=max(place.size, offset),
        skip=skip,
    )
