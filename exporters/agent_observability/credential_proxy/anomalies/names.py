"""What clients called services and operations: as small numbers while all goes well, and as text to be shown."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping

import msgspec

from agent_observability.credential_proxy.texts import clean
from agent_observability.metric import OTHER

__all__ = ["Vocabulary", "name", "tally"]

_SHOWN = 40
_NAMES = 5
_MOST = 0xFFFF


def name(said: str) -> str:
    """What a client said, as it may be shown: its beginning, on one line."""
    return f"{clean(said[:_SHOWN])}…" if len(said) > _SHOWN else clean(said)


def tally(names: Iterable[str]) -> dict[str, int]:
    """How often each occurs: the first few of them, all others together as `other`."""
    counts: dict[str, int] = {}
    for one in names:
        known = one if one in counts or len(counts) < _NAMES else OTHER
        counts[known] = counts.get(known, 0) + 1
    return counts


class Vocabulary:
    """Numbers of the configured services and their operations.

    `services` has per service the numbers of its operations, "" for any other one; 0 is any other service. `digest`
    tells vocabularies apart.
    """

    def __init__(self, services: Collection[str]) -> None:
        self._names = [(OTHER, OTHER)]
        self.services: dict[str, dict[str, int]] = {}
        for service in sorted(services):
            operations = services[service] if isinstance(services, Mapping) else ()
            self.services[service] = {"": self._number(service, OTHER)}
            for operation in sorted(set(operations) - {""}):
                self.services[service][operation] = self._number(service, operation)
        self.digest = zlib.crc32(msgspec.json.encode(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: int) -> tuple[str, str]:
        """Service and operation."""
        return self._names[number]

    def _number(self, service: str, operation: str) -> int:
        if len(self._names) > _MOST:
            return 0
        self._names.append((service, operation))
        return len(self._names) - 1
