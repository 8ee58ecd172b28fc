"""How following the API goes, per resource: as metrics, for readiness, and for the landing page."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent_observability.collector import Sample
from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import AnyFollower
from agent_observability.cr_state.recorder import Recorder
from agent_observability.kube.reflector import Reflector
from agent_observability.metric import Metric
from agent_observability.runtime import SourceStatus

__all__ = ["Followed", "Following"]


@dataclass(slots=True)
class Followed:
    """A reflector and what it feeds. The rest is how much of its health has been counted."""

    reflector: Reflector
    follower: AnyFollower
    lists: Counter[str] = field(default_factory=Counter)
    watches: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)


class Following:
    """All that is followed."""

    def __init__(self) -> None:
        self.followed: list[Followed] = []

    def add(self, reflector: Reflector, follower: AnyFollower) -> None:
        self.followed.append(Followed(reflector, follower))

    def count(self, recorder: Recorder) -> None:
        """Hand in what has happened since the last time."""
        for one in self.followed:
            health, name = one.reflector.health, one.reflector.resource.name
            for metric, now, before in (
                (m.LISTS, health.lists, one.lists),
                (m.WATCHES, health.watches, one.watches),
                (m.EVENTS, health.events, one.events),
            ):
                for result, number in now.items():
                    if number > before[result]:
                        recorder.count(metric, (name, result), number - before[result])
                        before[result] = number

    def synced(self, resource: str) -> bool:
        """Whether all of a resource has been listed."""
        parts = [one.reflector.health.synced for one in self.followed if one.reflector.resource.name == resource]
        return bool(parts) and all(parts)

    def seen(self, resource: str) -> bool:
        """Whether any part of a resource has ever been listed."""
        return any(one.reflector.health.last_sync for one in self.followed if one.reflector.resource.name == resource)

    def settled(self, resource: str) -> str:
        """Why it is not known yet whether a resource can be read, or ""."""
        parts = [one.reflector.health for one in self.followed if one.reflector.resource.name == resource]
        problems = [health.problem for health in parts if not health.synced and not health.refused]
        return f"{resource}: {problems[0]}" if problems else "" if parts else f"{resource}: not listed yet"

    def samples(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        """Of several parts of a resource the worst counts."""
        found: defaultdict[str, list[Followed]] = defaultdict(list)
        for one in self.followed:
            found[one.reflector.resource.name].append(one)
        synced, objects, syncs, events = [], [], [], []
        for name, parts in found.items():
            healths = [part.reflector.health for part in parts]
            labels = (name,)
            synced.append((labels, float(all(health.synced for health in healths))))
            followers = dict.fromkeys(part.follower for part in parts)
            objects.append((labels, float(sum(map(len, followers)))))
            if all(health.last_sync for health in healths):
                syncs.append((labels, min(health.last_sync for health in healths)))
                events.append((labels, min(max(health.last_event, health.last_sync) for health in healths)))
        yield m.SYNCED, synced
        yield m.OBJECTS, objects
        yield m.LAST_SYNC, syncs
        yield m.LAST_EVENT, events

    def sources(self) -> Sequence[SourceStatus]:
        """For the landing page."""
        now = time.time()
        found = []
        for one in self.followed:
            health, resource = one.reflector.health, one.reflector.resource
            last = max(health.last_event, health.last_sync)
            lag = f"{now - last:.0f} s" if last else ""
            detail = health.problem or f"{len(one.follower)} objects"
            found.append(SourceStatus(f"{resource.path} {resource.labels}".strip(), health.synced, lag, detail))
        return found
