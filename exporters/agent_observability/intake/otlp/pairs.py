"""Attributes and values out of protobuf messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.model import Attribute, Attributes
from agent_observability.intake.otlp.values import check_depth, check_number
from agent_observability.intake.otlp.wire import Shape, check_weight

__all__ = ["ANY_VALUE", "KEY_VALUE", "any_value", "attributes", "parse"]

ANY_VALUE: Shape = {}
KEY_VALUE: Shape = {2: ANY_VALUE}
ANY_VALUE.update({5: {1: ANY_VALUE}, 6: {1: KEY_VALUE}})

M = TypeVar("M", bound=Message)


def parse(kind: type[M], data: bytes, shape: Shape) -> M:
    """`data` as a message. Raises OtlpError, also for one that would fill the memory (see `check_weight`)."""
    check_weight(data, shape)
    try:
        return kind.FromString(data)
    except DecodeError:
        raise OtlpError("", "expected protobuf with text in UTF-8") from None


def attributes(pairs: Sequence[KeyValue]) -> Attributes:
    """Attributes of an item. Raises OtlpError for too many, or values that are nested too deep."""
    if pairs:
        check_number(len(pairs), "attributes")
    found: Attributes = {}
    # Every look at a field makes an object, and here goes nearly all the time of decoding: what is not set reads as ""
    # or 0, so that a text takes one look, and a number two.
    for pair in pairs:
        value = pair.value
        found[pair.key] = value.string_value or value.int_value or any_value(value)
    return found


def any_value(value: AnyValue, depth: int = 0) -> Attribute:
    """A value of any kind. Raises OtlpError if it is nested too deep."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    read = _NESTED.get(kind)
    if read is None:
        plain: Attribute = getattr(value, kind)
        return plain
    check_depth(depth + 1)
    return read(value, depth + 1)


def _array(value: AnyValue, depth: int) -> Attribute:
    check_number(len(value.array_value.values), "values in a list")
    return [any_value(one, depth) for one in value.array_value.values]


def _mapping(value: AnyValue, depth: int) -> Attribute:
    check_number(len(value.kvlist_value.values), "values in a mapping")
    return {pair.key: any_value(pair.value, depth) for pair in value.kvlist_value.values}


_NESTED: dict[str, Callable[[AnyValue, int], Attribute]] = {"array_value": _array, "kvlist_value": _mapping}
