"""Alertmanager's webhook messages, format version 4, and a bounded store of them that survives a restart.

Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from agent_observability.stack.state import write_atomically

__all__ = ["MAX_RECEIVERS", "Alert", "Message", "Notification", "NotificationStore", "TooManyReceiversError"]

log = logging.getLogger(__name__)

PER_RECEIVER = 100
MAX_RECEIVERS = 50
_COMPACT_LINES = 4 * PER_RECEIVER
_COMPACT_BYTES = 8 * 1024 * 1024

Status = Literal["firing", "resolved"]


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert of a message. Times are RFC 3339."""

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str = ""
    ends_at: str = ""


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """What Alertmanager posts."""

    version: Literal["4"]
    status: Status
    alerts: list[Alert]
    group_labels: dict[str, str] = {}
    truncated_alerts: int = 0


class Notification(msgspec.Struct, frozen=True):
    """A message as received: `id` counts up over restarts, `received` is Unix time in seconds."""

    id: int
    received: float
    receiver: str
    message: Message


class TooManyReceiversError(ValueError):
    """Another receiver's name would exceed MAX_RECEIVERS."""


class NotificationStore:
    """The last PER_RECEIVER notifications of each receiver: the Watchdog, which never rests, displaces no others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, deque[Notification]] = {}
        self._lines = 0
        self.last = 0
        self._load()

    def add(self, receiver: str, message: Message, received: float) -> Notification:
        """Write down, then remember; blocks. Raises TooManyReceiversError or OSError, with nothing added."""
        if receiver not in self._kept and len(self._kept) >= MAX_RECEIVERS:
            raise TooManyReceiversError(receiver)
        notification = Notification(self.last + 1, received, receiver, message)
        with self._path.open("ab") as stream:
            stream.write(msgspec.json.encode(notification) + b"\n")
            size = stream.tell()
        self._remember(notification)
        self._lines += 1
        if self._lines > _COMPACT_LINES or size > _COMPACT_BYTES:
            self._compact()
        return notification

    def after(self, last: int) -> list[Notification]:
        """What is kept with an id greater than `last`, oldest first."""
        kept = (one for queue in self._kept.values() for one in queue if one.id > last)
        return sorted(kept, key=lambda one: one.id)

    def _remember(self, notification: Notification) -> None:
        self._kept.setdefault(notification.receiver, deque(maxlen=PER_RECEIVER)).append(notification)
        self.last = max(self.last, notification.id)

    def _load(self) -> None:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for notification in _decode(lines):
            self._remember(notification)
        # Also removes a last line that a killed process left half written, which the next one would be glued to.
        self._compact()

    def _compact(self) -> None:
        kept = self.after(0)
        write_atomically(self._path, "".join(msgspec.json.encode(one).decode() + "\n" for one in kept))
        self._lines = len(kept)


def _decode(lines: list[bytes]) -> Iterator[Notification]:
    for number, line in enumerate(lines, start=1):
        try:
            yield msgspec.json.decode(line, type=Notification)
        except msgspec.DecodeError as error:
            log.warning("notification in line %d is unreadable and dropped: %s", number, error)
