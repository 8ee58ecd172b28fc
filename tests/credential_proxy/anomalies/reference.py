"""The stated rules taken literally: all moments are kept, and looked through for every record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent_observability.credential_proxy.anomalies.detector import NOBODY
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.record import Record

COARSE = 1e-6


def too_many(moments: Iterable[float], moment: float, limit: int, seconds: float) -> bool:
    """Whether more than `limit` of them, with `moment`, are within less than `seconds`."""
    ordered = sorted(moments)
    return any(
        first <= moment <= last and last - first < seconds - COARSE
        for first, last in zip(ordered, ordered[limit:], strict=False)
    )


def literally(
    records: Iterable[Record], config: AnomaliesConfig, services: Mapping[str, object]
) -> list[tuple[str, str, float]]:
    """Type, container and moment of what begins, if nothing is history."""
    requests: dict[str, list[float]] = {}
    rejections: dict[str, list[float]] = {}
    going_on: dict[tuple[str, str], tuple[float, float]] = {}
    begun = []
    for record in records:
        moment, name = record.timestamp, record.container or NOBODY
        signs = []
        if record.service not in services:
            signs.append("unknown_service")
        requests.setdefault(name, []).append(moment)
        if too_many(requests[name], moment, config.requests_per_minute, 60):
            signs.append("high_request_rate")
        if record.status == "rejected":
            rejections.setdefault(name, []).append(moment)
            if too_many(rejections[name], moment, config.rejections, config.rejections_within):
                signs.append("repeated_rejections")
        if not record.container:
            # How much they ask says nothing: nobody knows how many they are.
            signs = [type_ for type_ in signs if type_ == "unknown_service"]
        for type_ in signs:
            since, last = going_on.get((type_, name), (moment, -1e12))
            if since - config.cooldown < moment < last + config.cooldown:
                going_on[type_, name] = since, max(last, moment)
            else:
                going_on[type_, name] = moment, moment
                begun.append((type_, name, moment))
    return begun
