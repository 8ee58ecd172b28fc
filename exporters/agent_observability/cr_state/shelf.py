"""Rendered series of many objects, in blocks: a change replaces a few lines of one block and leaves all others alone.

Every block of a family is compressed once and stays so until it changes. Objects that are about to change stand apart
from those that rest, so that a scrape finds few blocks to compress again.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent_observability.exposition import Format, PackedBlock

__all__ = ["Lines", "Page", "Shelf"]

Lines = tuple[bytes, ...]
"""Per family the sample lines of one object, b"" for none."""

_PAGE_OBJECTS = 250
_EMPTY = PackedBlock(b"")


class Page:
    """Some objects' lines, per family: a block, and what is not yet joined to it."""

    __slots__ = ("_added", "_blocks", "objects", "shelf")

    def __init__(self, shelf: Shelf, families: int) -> None:
        self.shelf = shelf
        self.objects = 0
        self._blocks = [_EMPTY] * families
        self._added: list[list[bytes]] = [[] for _ in range(families)]

    def replace(self, old: Lines, new: Lines) -> None:
        """Raises ValueError if `old` is not here."""
        for family, (before, after) in enumerate(zip(old, new, strict=True)):
            if before == after:
                continue
            if before:
                text = self.block(family).text
                # Quotes in values are escaped, so that a line's beginning cannot stand inside another line.
                if before not in text:
                    raise ValueError(f"not on this page: {before!r}")
                self._blocks[family] = PackedBlock(text.replace(before, after, 1))
            else:
                self._added[family].append(after)

    def add(self, lines: Lines) -> None:
        """One more object."""
        self.objects += 1
        for added, line in zip(self._added, lines, strict=True):
            if line:
                added.append(line)

    def block(self, family: int) -> PackedBlock:
        added = self._added[family]
        if added:
            self._blocks[family] = PackedBlock(b"".join((self._blocks[family].text, *added)))
            added.clear()
        return self._blocks[family]

    def pack(self) -> None:
        """Take less room."""
        for family in range(len(self._blocks)):
            self.block(family).gzip(Format.TEXT)


class Shelf:
    """Pages of one kind of object."""

    def __init__(self, families: int) -> None:
        self._nothing: Lines = (b"",) * families
        self._pages: dict[Page, None] = {}
        self._roomy: dict[Page, None] = {}

    def add(self, lines: Lines) -> Page:
        """Put an object's lines somewhere; the page has to be named to change them."""
        page = next(iter(self._roomy), None)
        if page is None:
            page = Page(self, len(self._nothing))
            self._pages[page] = self._roomy[page] = None
        page.add(lines)
        if page.objects >= _PAGE_OBJECTS:
            del self._roomy[page]
            # Some tenths of a millisecond, but a list of 100,000 objects would fill the memory with plain text first.
            page.pack()
        return page

    def remove(self, page: Page, lines: Lines) -> None:
        page.replace(lines, self._nothing)
        page.objects -= 1
        self._roomy[page] = None
        if not page.objects:
            del self._pages[page], self._roomy[page]

    def blocks(self) -> Sequence[Sequence[PackedBlock]]:
        """Per family its blocks."""
        return [[page.block(family) for page in self._pages] for family in range(len(self._nothing))]
