"""The containers that are remembered: so many, and those that were heard of last."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from agent_observability.credential_proxy.anomalies.container import Container

__all__ = ["Crowd"]


class Crowd:
    """At most `most` containers by name. `troubled` are those of them that have anomalies.

    Who was not heard of for longest is found in a heap, in which a container may stand too low: it rises when it is
    looked at. So a request costs nothing here, and a new container little.
    """

    def __init__(self, most: int, cooldown: float) -> None:
        self._most = most
        self._cooldown = cooldown
        self._heap: list[tuple[float, str]] = []
        self.known: dict[str, Container] = {}
        self.troubled: dict[str, Container] = {}

    def add(self, container: Container, moment: float) -> str | None:
        """A new one; whom it drives out."""
        gone = self._pop(float("inf")) if len(self.known) >= self._most else None
        self.known[container.name] = container
        heapq.heappush(self._heap, (moment, container.name))
        return gone

    def expire(self, before: float) -> list[str]:
        """Forget those that were not heard of since; who they are."""
        gone = []
        while (name := self._pop(before)) is not None:
            gone.append(name)
        return gone

    def load(self, containers: Iterable[Container]) -> None:
        """Know these, or as many of them as there is room for, and nobody else."""
        ranked = sorted(containers, key=self._rank, reverse=True)[: self._most]
        self.known = {container.name: container for container in ranked}
        self.troubled = {container.name: container for container in ranked if container.anomalies}
        self._heap = [self._rank(container) for container in reversed(ranked)]

    def _pop(self, before: float) -> str | None:
        while self._heap and self._heap[0][0] < before:
            rank = self._rank(self.known[self._heap[0][1]])
            if rank > self._heap[0]:
                heapq.heapreplace(self._heap, rank)
                continue
            _, name = heapq.heappop(self._heap)
            del self.known[name]
            self.troubled.pop(name, None)
            return name
        return None

    def _rank(self, container: Container) -> tuple[float, str]:
        return container.until(self._cooldown), container.name
