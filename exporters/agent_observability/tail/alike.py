"""Whether files are the same, copies of each other, or what comes of one that went on: by what is in them."""

from __future__ import annotations

from agent_observability.tail.files import File
from agent_observability.tail.place import HEAD_BYTES, PRINT_BYTES, Place

__all__ = ["alike", "copied", "fits", "goes_on", "same", "shorter_end", "tells"]


def same(place: Place, file: File) -> bool:
    """Whether a file with the inode of the place is the one: inodes are used again."""
    if not place.offset:
        return file.size >= place.size
    return fits(file, place)


def fits(file: File, place: Place) -> bool:
    """Whether a file has what was read up to a place."""
    try:
        return (file.packed or file.size >= place.offset) and file.fits(place)
    except OSError:
        return False


def tells(place: Place, file: File) -> bool:
    """Whether that a file fits a place shows that it was read: not by a first line that each of many begins with."""
    if place.identity == file.identity or place.offset >= HEAD_BYTES:
        return True
    try:
        start = file.bytes_at(0, place.offset + 1)
    except OSError:
        return True
    return len(start) <= place.offset or start.find(b"\n") < place.offset - 1


def shorter_end(file: File, place: Place) -> Place | None:
    """The end of a file that holds less than was read, and begins like what was read."""
    try:
        if place.head and place.head == file.head() and (length := file.length()) < place.offset:
            return file.place_at(length)
    except OSError:
        pass
    return None


def copied(file: File, other: File) -> bool:
    """Whether a file is a copy of another one or of its beginning. One that has more only begins alike, as logs do."""
    return alike(file, other) and (other.packed or not _has_more(file, other))


def goes_on(file: File, former: File) -> bool:
    """Whether a file begins with all that another one has, and has more."""
    if former.packed or not alike(file, former) or not _has_more(file, former):
        return False
    start = max(0, former.size - PRINT_BYTES)
    try:
        return file.bytes_at(start, former.size - start) == former.bytes_at(start, former.size - start)
    except OSError:
        return False


def alike(one: File, other: File) -> bool:
    """Whether one is a copy of the other or of its beginning, as far as a look at both ends of the shorter tells."""
    try:
        first, second = one.bytes_at(0, HEAD_BYTES), other.bytes_at(0, HEAD_BYTES)
        common = min(len(first), len(second))
        # Less than a line is no sign of anything.
        if first[:common] != second[:common] or (b"\n" not in first[:common] and common < HEAD_BYTES):
            return False
        if (one.packed or other.packed) and first[:common].strip(b"\0"):
            return True
        # Many begin with a hole.
        end = min(one.length(), other.length())
        start = max(0, end - PRINT_BYTES)
        return one.bytes_at(start, end - start) == other.bytes_at(start, end - start)
    except OSError:
        return False


def _has_more(file: File, other: File) -> bool:
    """Whether a file is longer than one that is not compressed."""
    try:
        # How much a compressed file holds is not asked for: all of it would have to be read.
        return bool(file.bytes_at(other.size, 1)) if file.packed else not other.bytes_at(file.size - 1, 1)
    except OSError:
        return False
