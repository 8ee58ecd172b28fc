"""Values as OTLP's JSON writes them: 64-bit numbers maybe as text, ids in hex, enumerations maybe by name."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.json_messages import AnyValue, KeyValue
from agent_observability.intake.otlp.model import Attribute, Attributes
from agent_observability.intake.otlp.values import check_depth, check_number

__all__ = ["any_value", "attributes", "double", "enum", "hex_id", "int32", "int64", "parse", "uint64"]

_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_MAX_DIGITS = 20
_TIME_DIGITS = 19
_PLACE = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<field>.*)`)?")

T = TypeVar("T")


def parse(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """What the decoder makes of it. Raises OtlpError, in words that hold nothing of the data."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        place = _PLACE.fullmatch(str(error))
        reason = (place["reason"] if place else "not as expected").replace("`", "")
        raise OtlpError((place["field"] if place else "") or "", reason[:1].lower() + reason[1:]) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OtlpError("", "expected JSON in UTF-8") from None
    except RecursionError:
        raise OtlpError("", "expected JSON that is not nested that deep") from None


def attributes(pairs: Sequence[KeyValue] | None) -> Attributes:
    """Attributes of an item."""
    found: Attributes = {}
    if not pairs:
        return found
    check_number(len(pairs), "attributes")
    for pair in pairs:
        value = pair.value
        text = None if value is None else value.string_value
        found[pair.key or ""] = any_value(value) if text is None else text
    return found


def any_value(value: AnyValue | None, depth: int = 0) -> Attribute:
    """A value of any kind. Raises OtlpError for what is none, or is nested too deep."""
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int64(value.int_value, "intValue")
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return double(value.double_value, "doubleValue")
    if value.bytes_value is not None:
        return _base64(value.bytes_value)
    check_depth(depth + 1 if value.array_value or value.kvlist_value else depth)
    if value.array_value is not None:
        values = value.array_value.values or []
        check_number(len(values), "values in a list")
        return [any_value(one, depth + 1) for one in values]
    if value.kvlist_value is not None:
        pairs = value.kvlist_value.values or []
        check_number(len(pairs), "values in a mapping")
        return {pair.key or "": any_value(pair.value, depth + 1) for pair in pairs}
    return None


def int64(value: int | str | None, field: str) -> int:
    """0 for what is absent."""
    return _int(value, field, -(2**63), 2**63)


def int32(value: int | str | None, field: str) -> int:
    """0 for what is absent."""
    return _int(value, field, -(2**31), 2**31)


def uint64(value: int | str | None, field: str) -> int:
    """0 for what is absent."""
    # What times of this century look like.
    if type(value) is str and len(value) == _TIME_DIGITS and value.isdecimal() and value.isascii():
        return int(value)
    return _int(value, field, 0, 2**64)


def double(value: float | str, field: str) -> float:
    """Also of the three texts for what JSON has no numbers for."""
    if not isinstance(value, str):
        return float(value)
    special = _SPECIAL.get(value)
    if special is not None:
        return special
    try:
        if value.isascii() and value[-1:].isdigit() and "_" not in value and value == value.strip():
            return float(value)
    except ValueError:
        pass
    raise OtlpError(field, f"expected a number, got {value[:40]!r}")


def enum(value: int | str | None, names: Mapping[str, int], field: str) -> int:
    """Its number, whether it stands there by number or by name."""
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, str) and not _is_number(value):
        raise OtlpError(field, f"expected a number or one of {', '.join(names)}, got {value[:40]!r}")
    return int32(value, field)


def hex_id(text: str | None) -> bytes:
    """An id; b"" for what is none."""
    if not text:
        return b""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    # It also takes spaces.
    return found if len(found) * 2 == len(text) else b""


def _int(value: int | str | None, field: str, low: int, beyond: int) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        if not _is_number(value):
            raise OtlpError(field, f"expected a whole number, got {value[:40]!r}")
        value = int(value)
    if not low <= value < beyond:
        raise OtlpError(field, f"expected a number of {beyond.bit_length() - 1} bits, got {str(value)[:40]}")
    return value


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate({45: 43, 95: 47}), validate=True)
    except (binascii.Error, ValueError):
        raise OtlpError("bytesValue", "expected Base64") from None
