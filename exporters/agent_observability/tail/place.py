"""How far a file has been read, as the ledger keeps it, and by what the file is known again.

The bytes just before the place are remembered as a hash, and so is the first line. Both are looked at before any line
behind the place is counted: where one is gone, the file was emptied in place, even if it has grown past the place
since; and a file that has both is the same log, under whatever inode, compressed or not. Neither would be enough: lines
of one length often end alike, so that another file may have the same bytes at the same place, while a log may begin
with the same line each time. Only hashes are kept, because a log may hold what must not be stored.

The first line has one more use: a copy that was taken before the last lines were read is shorter than the place, and
would otherwise be taken for lines that nobody has read.
"""

from __future__ import annotations

import hashlib

import msgspec

__all__ = ["PAST", "PRINT_BYTES", "Book", "Place", "decode", "digest", "first_line", "remember"]

PRINT_BYTES = 256
HEAD_BYTES = 1024
PAST = 32
"""Places in files that are done with, by which these, moved and compressed, are known not to be new."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """`printed` is the hash of the up to `PRINT_BYTES` before `offset`, `head` that of the first line.

    `inode` is 0 once the file was emptied: what was in it may be in a copy. `size` is how much of the file was ever
    seen to be there, `mtime` (ns) when it was last written as far as that was seen while it was at its path. `skip`:
    the place is within a line that is too long.
    """

    device: int
    inode: int
    offset: int = 0
    printed: str = ""
    head: str = ""
    size: int = 0
    mtime: int = 0
    skip: bool = False

    @property
    def identity(self) -> tuple[int, int]:
        return self.device, self.inode

    @property
    def owed(self) -> int:
        """Bytes that were seen and have not been read."""
        return max(0, self.size - self.offset)


class Book(msgspec.Struct, frozen=True, omit_defaults=True):
    """The position of one path: its files from the oldest to the newest, `last` being the index of the one that was
    at the path, or -1.

    `number` makes each commit's text another one. `seen` is when there was a file at the path (Unix seconds), `newest`
    the time of the newest event, `floor` (ns) the file's `mtime` at the last look: what was written before is known.
    """

    path: str
    pattern: str
    number: int
    seen: int = 0
    newest: float = 0.0
    floor: int = 0
    last: int = -1
    places: tuple[Place, ...] = ()
    past: tuple[Place, ...] = ()

    def encode(self) -> str:
        return _encoder.encode(self).decode()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Book)


def decode(text: str) -> Book:
    """Raises ValueError for what is none."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no position of a log: {error}") from None


def digest(data: bytes) -> str:
    """A short hash, in hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def first_line(data: bytes) -> str:
    """The hash of the first line of a file that begins with `data`; "" if that does not hold all of it, or a hole."""
    end = data.find(b"\n", 0, HEAD_BYTES)
    if not data[:1].strip(b"\0"):
        return ""
    if end < 0 and len(data) < HEAD_BYTES:
        return ""
    return digest(data[: end if end >= 0 else HEAD_BYTES])


def remember(past: tuple[Place, ...], place: Place) -> tuple[Place, ...]:
    """`past` with one more; a later place in the same file takes the former's."""
    if not place.offset:
        return past
    key = (place.identity, place.head)
    # Without an inode or a first line, another file cannot be told from an earlier one with the same number.
    others = [one for one in past if not one.inode or not one.head or (one.identity, one.head) != key]
    return (*others, place)[-PAST:]
