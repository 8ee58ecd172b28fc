"""After a round that could not be stored: finds the line that is to blame, so that nothing else is given up."""

from __future__ import annotations

import logging

__all__ = ["Narrowing"]

log = logging.getLogger(__name__)

_FEW = 64


class Narrowing:
    """What was read in one round is read again in rounds of a few lines, and those of them that fail line by line.

    `most` is how many lines the next round may have, 0 for any number; with `give_up` it is the one that is to blame.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        # Lines that are still to be read in small rounds, and one by one.
        self._few = self._single = 0
        self.give_up = False

    @property
    def most(self) -> int:
        return 1 if self._single else _FEW if self._few else 0

    def failed(self, lines: int) -> None:
        """A round of so many lines cannot be stored."""
        if not lines or self.give_up:
            # It is not for its lines.
            return
        if lines == 1:
            log.error("a line of %s cannot be counted and is given up", self._source)
            self._few = self._few or 1
            self._single = self._single or 1
            self.give_up = True
        elif self._few:
            self._single = lines
        else:
            self._few = lines

    def stored(self, lines: int) -> None:
        self._few = max(0, self._few - lines)
        self._single = max(0, self._single - lines)
        self.give_up = False
