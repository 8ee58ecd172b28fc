"""Why an item cannot be decoded, in words for whoever wrote the program that sent it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import msgspec.inspect as types

from agent_observability.intake.errors import Rejected
from agent_observability.intake.items import Number, lax

__all__ = ["Reasons", "why_no_json"]

_WHERE = re.compile(r" - at `(?:key in )?\$\.?(.*?)`$", re.DOTALL)
_FIELD = re.compile(r"(unknown|required) field `(.*)`$", re.DOTALL)
_KINDS = re.compile(r"`([^`]*)`")
_GOT = re.compile(r", got `\w+`$")
_STEP = re.compile(r"\[(\d+)\]|\[(\.\.\.)\]|([^.\[\]]+)")
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a time",
    "decimal": "a decimal number",
    "float": "a number",
    "int": "a whole number",
    "object": "an object",
    "str": "text",
}
# How msgspec puts what it does not say with types.
_SENTENCES = {
    "Invalid RFC3339 encoded datetime": "expected a time such as 2026-01-31T12:00:00Z",
    "Invalid decimal string": "expected a decimal number",
    "Integer value out of range": "expected a whole number of up to 64 bits",
    "Number out of range": "expected a number that 64 bits can hold",
}
_FIELD_CHARACTERS = 100
_REASON_CHARACTERS = 300
_VALUE_CHARACTERS = 40

_UNKNOWN = object()


class Reasons:
    """For items of one kind. Raises TypeError for one that is no struct."""

    def __init__(self, kind: type) -> None:
        self._kind = types.type_info(kind)
        if not isinstance(self._kind, types.StructType):
            raise TypeError(f"expected a struct, got {kind!r}")

    def rejected(self, index: int, item: bytes, error: Exception, *, brief: bool = False) -> Rejected | None:
        """What is wrong with an item, from the error that msgspec raised for it; None where it is no JSON at all.

        `brief` leaves out what takes time to find: the value, and the name that may have been meant.
        """
        try:
            tree = _UNKNOWN if brief and isinstance(error, msgspec.ValidationError) else lax(item)
        except (ValueError, RecursionError):
            tree = _UNKNOWN
        if isinstance(error, msgspec.ValidationError):
            return _rejected(index, *self._mistake(str(error), tree))
        path = _not_a_number(tree)
        if path is None:
            if tree is _UNKNOWN or isinstance(error, RecursionError):
                return None
            # A lenient reader can read it: what msgspec says of half a surrogate pair is that something is missing.
            return _rejected(index, "", "no valid JSON: text that is no Unicode")
        return _rejected(index, ".".join(map(str, path)), f"expected a number, got {_value_at(tree, path)}")

    def _mistake(self, text: str, tree: Any) -> tuple[str, str]:
        """Field and reason."""
        where = _WHERE.search(text)
        path = where[1] if where else ""
        text = _WHERE.sub("", text)
        steps = [int(number) if number else name or dots for number, dots, name in _STEP.findall(path)]
        if named := _FIELD.search(text):
            field = f"{path}.{named[2]}".lstrip(".")
            if named[1] == "required":
                return field, "missing"
            return field, "unknown field" if tree is _UNKNOWN else self._hint(steps, named[2])
        value = _value_at(tree, steps)
        kind = _kind_at(self._kind, steps)
        if isinstance(kind, types.LiteralType) and text.startswith("Invalid enum value"):
            text = f"expected one of {', '.join(map(repr, kind.values))}"
        text = _SENTENCES.get(text, text)
        if value:
            text = f"{_GOT.sub('', text)}, got {value}"
        return path, _KINDS.sub(lambda match: _kinds(match[1]), text).replace("Expected", "expected", 1)

    def _hint(self, steps: Sequence[Any], name: str) -> str:
        kind = _kind_at(self._kind, steps)
        known = [field.encode_name for field in kind.fields] if isinstance(kind, types.StructType) else []
        # Long names are nobody's slip, and comparing them takes long.
        near = difflib.get_close_matches(name, known, n=1) if len(name) <= _VALUE_CHARACTERS else []
        return f"unknown field; did you mean {near[0]!r}?" if near else f"unknown field; known: {', '.join(known)}"


def why_no_json(error: Exception) -> str:
    """One sentence."""
    if isinstance(error, RecursionError):
        return "no valid JSON: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "no valid JSON: not UTF-8"
    return f"no valid JSON: {str(error).removeprefix('JSON is malformed: ')}"


def _rejected(index: int, field: str, reason: str) -> Rejected:
    return Rejected(index, _cut(field, _FIELD_CHARACTERS), _cut(reason, _REASON_CHARACTERS))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _kinds(names: str) -> str:
    """`float | datetime | null` as people say it; null is left out, since leaving the field out is the same."""
    kinds = [name for name in names.split(" | ") if name != "null"] or ["null"]
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds)


def _kind_at(kind: types.Type, steps: Iterable[Any]) -> types.Type:
    for step in steps:
        kind = _plain(kind)
        if isinstance(kind, types.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == step), types.AnyType())
        elif isinstance(kind, types.ListType):
            kind = kind.item_type
        else:
            kind = kind.value_type if isinstance(kind, types.DictType) else types.AnyType()
    return _plain(kind)


def _plain(kind: types.Type) -> types.Type:
    """What an optional field holds where it holds something."""
    if isinstance(kind, types.UnionType):
        return next((one for one in kind.types if not isinstance(one, types.NoneType)), kind)
    return kind


def _value_at(tree: Any, steps: Iterable[Any]) -> str:
    """How the value is written; "" if it cannot be found."""
    if tree is _UNKNOWN:
        return ""
    for step in steps:
        try:
            tree = tree[step]
        except (LookupError, TypeError):
            return ""
    if isinstance(tree, dict | list):
        return "an object" if isinstance(tree, dict) else "a list"
    if tree is None or isinstance(tree, bool):
        return {None: "null", True: "true", False: "false"}[tree]
    return _cut(tree if isinstance(tree, Number) else repr(tree), _VALUE_CHARACTERS)


def _not_a_number(tree: Any) -> list[Any] | None:
    """Where the first NaN or infinity stands."""
    waiting: list[tuple[Any, list[Any]]] = [(tree, [])]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, Number) and not value.is_one:
            return path
        # Read off in the order in which they are written.
        if isinstance(value, dict):
            waiting += [(one, [*path, key]) for key, one in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(one, [*path, index]) for index, one in reversed(list(enumerate(value)))]
    return None
