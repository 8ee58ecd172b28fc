"""The loop over a request that both decoders share: resources, scopes, and items, each with its index."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias, TypeVar

from agent_observability.intake.errors import Rejected
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.model import Attributes, Decoded, Group, Item
from agent_observability.intake.otlp.values import MAX_EMPTY

__all__ = ["LOGS", "METRICS", "TRACES", "Groups", "Names", "Placed", "Raw", "Scopes", "decode_items"]

Raw = TypeVar("Raw")

Placed: TypeAlias = tuple[int | str, Raw]
"""An encoded item and where it is: its number in the scope's list, or its path from the scope."""

Scopes: TypeAlias = Iterable[tuple[str, Iterable[Placed[Raw] | None]]]
"""Names of scopes and what they have recorded; None for what holds no item."""

Groups: TypeAlias = Iterable[tuple[Attributes, Scopes[Raw]]]
"""Attributes of resources and their scopes."""


class Names(NamedTuple):
    """How JSON calls the lists of a request, from the outermost one on; paths are told in these words."""

    resources: str
    scopes: str
    items: str


TRACES = Names("resourceSpans", "scopeSpans", "spans")
METRICS = Names("resourceMetrics", "scopeMetrics", "metrics")
LOGS = Names("resourceLogs", "scopeLogs", "logRecords")


def decode_items(groups: Groups[Raw], most: int, names: Names, make: Callable[[int, Raw], Item]) -> Decoded[Item]:
    """`make` decodes an item of its index, or raises OtlpError, which rejects that one. More than `most` are too many.

    Raises OtlpError for a request that cannot be read as a whole.
    """
    found: list[Group[Item]] = []
    rejected: list[Rejected] = []
    index = empty = 0
    for at, (resource, scopes) in enumerate(groups):
        of_resource = index
        for scope_at, (scope, raws) in enumerate(scopes):
            items: list[Item] = []
            of_scope = index
            for placed in raws:
                if placed is None:
                    empty = _one_more(empty)
                    continue
                place, raw = placed
                if index >= most:
                    raise OtlpError("", f"expected at most {most:,} items in a request")
                try:
                    items.append(make(index, raw))
                except OtlpError as error:
                    path = place if isinstance(place, str) else f"{names.items}[{place}]"
                    where = error.under(f"{names.resources}[{at}].{names.scopes}[{scope_at}].{path}")
                    rejected.append(Rejected(index, where.field, where.reason))
                index += 1
            if items:
                found.append(Group(resource, scope, items))
            if index == of_scope:
                empty = _one_more(empty)
        if index == of_resource:
            empty = _one_more(empty)
    return Decoded(found, index, rejected)


def _one_more(empty: int) -> int:
    """What holds no item is not bounded by the number of items."""
    if empty >= MAX_EMPTY:
        raise OtlpError("", f"expected at most {MAX_EMPTY:,} resources, scopes and metrics with nothing in them")
    return empty + 1
