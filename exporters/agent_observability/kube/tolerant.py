"""Typed objects out of JSON that may hold anything: what is wrong is named and left out, the rest is kept.

Nearly every object decodes in one go. Only one that does not is taken apart field by field.
"""

from __future__ import annotations

import types
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec

__all__ = ["Tolerant"]

T = TypeVar("T", bound=msgspec.Struct)


class Tolerant(Generic[T]):
    """Decodes objects of one Struct type, all of whose fields have defaults; null is taken for absent."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, raw: bytes | msgspec.Raw) -> tuple[T, list[str]]:
        """The object, and the paths of fields that were of no use (`status.conditions[].type`), each once.

        Raises ValueError for what is no JSON object at all.
        """
        try:
            return self._decoder.decode(raw), []
        except msgspec.ValidationError:
            pass
        except msgspec.DecodeError as error:
            raise ValueError(f"no JSON: {error}") from error
        found = msgspec.json.decode(raw)
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, got {type(found).__name__}")
        wrong: dict[str, None] = {}
        return _struct(self._kind, found, "", wrong), list(wrong)


def _struct(kind: type[T], found: dict[str, Any], path: str, wrong: dict[str, None]) -> T:
    values = {}
    for field in msgspec.structs.fields(kind):
        value = found.get(field.encode_name)
        if value is None:
            continue
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        kept = _value(field.type, value, where, wrong)
        if kept is not None:
            values[field.name] = kept
    return kind(**values)


def _value(kind: Any, value: object, path: str, wrong: dict[str, None]) -> Any:
    """`value` as `kind`, with as much of its inside as is right; None if nothing is."""
    if get_origin(kind) in (Union, types.UnionType):
        [kind] = [member for member in get_args(kind) if member is not type(None)]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        return _struct(kind, value, path, wrong)
    if get_origin(kind) is list and isinstance(value, list):
        [item] = get_args(kind)
        kept = [_value(item, one, f"{path}[]", wrong) for one in value]
        return [one for one in kept if one is not None]
    if get_origin(kind) is dict and isinstance(value, dict):
        item = get_args(kind)[1]
        pairs = ((key, _value(item, one, f"{path}.*", wrong)) for key, one in value.items())
        return {key: one for key, one in pairs if one is not None}
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        wrong[path] = None
        return None
