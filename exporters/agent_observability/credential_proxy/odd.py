"""Records that are not quite as documented: what can be understood of their fields, in whatever types they are.

It is slower by far than the usual way and agrees with it wherever that applies.
"""

from __future__ import annotations

import json
import re

import msgspec

from agent_observability.credential_proxy.formats import MAX_MILLISECONDS, Said
from agent_observability.credential_proxy.reasons import reason_of, snake

__all__ = ["container_of", "duration_of", "event_type_of", "rejection_of", "text_of", "understand"]

_FIELDS = frozenset(Said.__struct_fields__)
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,3})?", re.ASCII)

_decode = msgspec.json.Decoder(Said).decode


def understand(record: bytes) -> Said | None:
    """The fields of a JSON object; None for what is none. Of fields that come twice, the last one counts.

    What is bad UTF-8 is replaced. Control characters, escapes of lone surrogates and NaN are let pass, which no JSON
    has, but what Python writes for what a client sent.
    """
    try:
        return _decode(record)
    except (ValueError, RecursionError):
        pass
    try:
        found = json.loads(
            record.decode("utf-8", "replace"), strict=False, parse_int=_whole, parse_constant=lambda _name: None
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return Said(**{name: value for name, value in found.items() if name in _FIELDS})


def text_of(said: object) -> str:
    """A name; "" for what is none."""
    if isinstance(said, str):
        return said
    return str(said) if isinstance(said, int | float) and not isinstance(said, bool) else ""


def event_type_of(said: object) -> str | None:
    """In lower snake case; None where it is not said."""
    if said is None or said == "":
        return None
    return snake(said) if isinstance(said, str) else "unknown"


def container_of(said: Said) -> str:
    """Who asked: a container wherever it is named, else the process, else "" for nobody."""
    requester = said.requester
    named: list[object] = []
    pids: list[object] = []
    if isinstance(requester, dict):
        named += requester.get("container_id"), requester.get("container")
        pids.append(requester.get("pid"))
    elif isinstance(requester, str):
        named.append(requester)
    named += said.container_id, said.container, said.requester_container_id
    pids += said.requester_pid, said.pid
    container = next((text for text in map(text_of, named) if text), "")
    if container:
        return container
    return next((f"pid:{pid}" for pid in map(_pid, pids) if pid), "")


def rejection_of(said: Said) -> str:
    """The reason of a rejection: the first that any field says, `other` where none does."""
    texts = map(text_of, (said.rejection_reason, said.error, said.reason, said.error_code))
    return next((reason for text in texts if text and (reason := reason_of(text)) != "other"), "other")


def duration_of(milliseconds: object) -> float | None:
    """Seconds; None for what is no number, negative, or more than a day."""
    if isinstance(milliseconds, str):
        text = milliseconds.strip()
        if not _NUMBER.fullmatch(text):
            return None
        milliseconds = float(text)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    if not 0 <= milliseconds <= MAX_MILLISECONDS:
        return None
    return milliseconds / 1_000


def _pid(said: object) -> str:
    """Digits; "" for what is no id of a process."""
    text = text_of(said).strip()
    return text if text.isdecimal() and text.isascii() and len(text) <= 20 else ""


def _whole(digits: str) -> float:
    """Python refuses to read whole numbers of many digits."""
    return int(digits) if len(digits) <= 20 else float(digits)
