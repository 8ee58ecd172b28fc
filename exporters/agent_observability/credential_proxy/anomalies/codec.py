"""A container as a fact of the ledger, and back.

A fixed head and plain arrays: containers are packed whenever they are heard of, so that this is as quick as it can be.
What few containers have, rejections and anomalies, follows as MessagePack.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from itertools import pairwise

import msgspec

from agent_observability.credential_proxy.anomalies.baseline import Baseline
from agent_observability.credential_proxy.anomalies.container import Anomaly, Container, Rejection
from agent_observability.credential_proxy.anomalies.names import Vocabulary
from agent_observability.credential_proxy.anomalies.window import room
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES

__all__ = ["pack", "unpack"]

# Arrays are in the machine's own order of bytes, and another one's facts are another version.
_VERSION = 1 if sys.byteorder == "little" else 2
# Version, vocabulary; the baseline's bucket, count, before, age, usual; how many requests, how many of history.
_HEAD = struct.Struct("=BIqQQQdHH")
_SANE = 2**40
_encode = msgspec.msgpack.Encoder().encode
_Rare = tuple[bytes, list[Rejection], list[tuple[int, float, float, float]]]
_rare = msgspec.msgpack.Decoder(_Rare)


def pack(container: Container, vocabulary: int) -> bytes:
    """`vocabulary` is what the marks of its requests mean, see `Vocabulary.digest`."""
    past, requests = container.past, container.requests
    head = _HEAD.pack(
        _VERSION,
        vocabulary,
        past.bucket,
        past.count,
        past.before,
        past.age,
        past.usual,
        len(requests.times),
        len(past.history),
    )
    parts = (head, array("d", requests.times), array("H", requests.marks), past.history)
    if container.rejections is None and not container.anomalies:
        return b"".join(parts)
    times, marks = b"", list[Rejection]()
    if container.rejections is not None:
        times, marks = array("d", container.rejections.times).tobytes(), container.rejections.marks
    anomalies = [(at, one.since, one.last, one.shown) for at, one in container.anomalies.items()]
    return b"".join((*parts, _encode((times, marks, anomalies))))


def unpack(name: str, data: bytes, config: AnomaliesConfig, vocabulary: Vocabulary) -> Container:
    """Raises ValueError for what no container can be packed as.

    Limits may have been others: then the newest moments are kept, as many as there is room for now. Of requests that
    were marked in another vocabulary nothing but their time is known.
    """
    try:
        return _unpack(name, data, config, vocabulary)
    except (struct.error, msgspec.MsgspecError, OverflowError) as error:
        raise ValueError(f"a container's state cannot be read: {error}") from error


def _unpack(name: str, data: bytes, config: AnomaliesConfig, vocabulary: Vocabulary) -> Container:
    version, meaning, bucket, count, before, age, usual, requests, buckets = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise ValueError(f"a container's state is of version {version}, expected {_VERSION}")
    times: array[float] = array("d")
    marks: array[int] = array("H")
    history: array[int] = array("q")
    at = _HEAD.size
    for values, many in ((times, requests), (marks, requests), (history, buckets)):
        end = at + many * values.itemsize
        values.frombytes(data[at:end])
        at = end
    if not times or len(history) != buckets:
        raise ValueError(f"a container's state is cut short, at {len(data)} bytes")
    if meaning != vocabulary.digest or any(mark >= len(vocabulary) for mark in marks):
        marks = array("H", bytes(marks.itemsize * len(marks)))
    _check(times)
    if max(abs(bucket), count, before, age) > _SANE or not 0 <= usual <= _SANE:
        raise ValueError(f"a container's state has {count} requests in bucket {bucket}, and {usual} for usual")
    past = Baseline(bucket, count=count, before=before, history=history, usual=usual, age=age)
    most = room(config.requests_per_minute)
    container = Container(name, config, past, times[-most:].tolist(), marks[-most:].tolist())
    if at < len(data):
        _unpack_rare(container, data[at:], config)
    return container


def _unpack_rare(container: Container, data: bytes, config: AnomaliesConfig) -> None:
    packed, marks, anomalies = _rare.decode(data)
    if marks:
        times: array[float] = array("d")
        times.frombytes(packed)
        if len(times) != len(marks):
            raise ValueError(f"a container's state has {len(times)} times of {len(marks)} rejections")
        _check(times)
        most = room(config.rejections)
        container.rejections = Container.rejections_of(config, times[-most:].tolist(), marks[-most:])
    for where, since, last, shown in anomalies:
        if not 0 <= where < 2 * len(ANOMALY_TYPES) or not math.isfinite(since + last + shown):
            raise ValueError(f"a container's state has an anomaly {where} of {since}, {last}, {shown}")
        container.anomalies[where] = Anomaly(since, last, shown)


def _check(times: array[float]) -> None:
    if not all(map(math.isfinite, times)) or any(after < before for before, after in pairwise(times)):
        raise ValueError("a container's state has times that are not in order")
