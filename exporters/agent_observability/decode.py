"""Decodes a YAML tree into frozen structs and reports every problem, each with path, value and expectation.

msgspec validates the leaves; it stops at the first error and knows no nearest key, so the walk over mappings and
lists is done here.
"""

from __future__ import annotations

import difflib
import os
import re
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from agent_observability.units import Duration, Size

__all__ = ["Decoder", "Secret"]

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})")
_SECRET_FILE_BYTES = 64 * 1024
_WORDS = {"bool": "true or false", "float": "a number", "int": "a whole number", "str": "text"}


class Secret:
    """A credential. Shows itself as `<secret>` wherever it is printed; `reveal()` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


class _Expanded(str):
    """Text in which variables were replaced; messages show what was written, which holds no secret."""

    raw: str


class Decoder:
    """One pass over one tree. `problems` fills up as `decode` goes; values it could not decode become None.

    `environment` replaces `${NAME}`; without one, text is taken as it stands. Relative paths start at `directory`.
    """

    def __init__(self, environment: Mapping[str, str] | None, directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self.problems: list[str] = []

    def decode(self, kind: Any, value: object, path: str) -> Any:
        """`value` as `kind`: a Struct, list, tuple, dict, optional of these, or a leaf."""
        if get_origin(kind) in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not type(None)]
            if value is None or len(members) != 1:
                return self._leaf(kind, value, path)
            return self.decode(members[0], value, path)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, path)
        origin = get_origin(kind)
        if origin in (list, tuple):
            if not isinstance(value, list):
                return self._problem(path, value, "a list", kind)
            return origin([self.decode(get_args(kind)[0], item, f"{path}[{i}]") for i, item in enumerate(value)])
        if origin is dict:
            if not isinstance(value, dict):
                return self._problem(path, value, "a mapping", kind)
            return {str(key): self.decode(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
        return self._leaf(kind, value, path)

    def _struct(self, kind: type[msgspec.Struct], value: object, path: str) -> Any:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return self._problem(path, value, "a mapping", kind)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        files = {f"{name}_file": name for name, field in fields.items() if _is_secret(field.type)}
        decoded: dict[str, Any] = {}
        before = len(self.problems)
        for key, item in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in fields:
                decoded[fields[key].name] = self.decode(fields[key].type, item, where)
            elif key in files:
                if files[key] in value:
                    self.problems.append(f"{where}: give either {files[key]} or {key}, not both")
                else:
                    decoded[files[key]] = self._secret_file(item, where)
            else:
                self.unknown_key(where, str(key), (*fields, *files))
        for name, field in fields.items():
            if field.required and field.name not in decoded:
                self.problems.append(f"{path}.{name}: missing" if path else f"{name}: missing")
        if len(self.problems) > before:
            return None
        try:
            return kind(**decoded)
        except ValueError as error:  # of a `__post_init__`: settings that do not go together
            self.problems.append(f"{path}: {error}")
            return None

    def unknown_key(self, path: str, key: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(key, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}"
        self.problems.append(f"{path}: unknown key {key!r}; {hint}")

    def _leaf(self, kind: Any, value: object, path: str) -> Any:
        if isinstance(value, str):
            value = self._expand(value, path)
            if value is None:
                return None
        base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if base is Secret:
            return Secret(value) if isinstance(value, str) else self._problem(path, value, "text", kind)
        if base is Path:
            if not isinstance(value, str) or not value or "\0" in value:
                return self._problem(path, value, "a path", kind)
            return self._directory / value
        try:
            if base in (Duration, Size):
                parsed = base.parse(str(value) if isinstance(value, str) else value)
                wanted = _bound(parsed, get_args(kind)[1:])
                return self._problem(path, value, wanted, kind) if wanted else parsed
            if base is re.Pattern or get_origin(base) is re.Pattern:
                return re.compile(str(value) if isinstance(value, str) else msgspec.convert(value, str))
            if isinstance(value, str):
                return msgspec.convert(str(value), kind, strict=not isinstance(value, _Expanded))
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            return self._problem(path, value, _expectation(base, error), kind)
        except (re.error, OverflowError, RecursionError) as error:
            return self._problem(path, value, f"a regular expression ({error})", kind)
        except ValueError as error:
            return self._problem(path, value, str(error), kind)

    def _expand(self, text: str, path: str) -> str | None:
        environment = self._environment
        if environment is None:
            return text
        missing: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match["name"] is None:
                return "$"
            found = environment.get(match["name"], match["default"])
            if found is None:
                missing.append(match["name"])
            return found or ""

        expanded = _VARIABLE.sub(replace, text)
        self.problems += [f"{path}: environment variable {name} is not set" for name in missing]
        if missing:
            return None
        if expanded == text:
            return text
        result = _Expanded(expanded)
        result.raw = text
        return result

    def _secret_file(self, value: object, path: str) -> Secret | None:
        file = self._leaf(Path, value, path)
        if not isinstance(file, Path):
            return None
        # A variable given here by mistake may hold the secret itself.
        shown = repr(os.fspath(file) if file == self._directory / str(value) else value)
        try:
            with file.open("rb") as stream:
                content = stream.read(_SECRET_FILE_BYTES + 1)
            if len(content) <= _SECRET_FILE_BYTES:
                return Secret(content.decode().rstrip("\r\n"))
            self.problems.append(f"{path}: {shown} is larger than {_SECRET_FILE_BYTES // 1024} KiB")
        except OSError as error:
            self.problems.append(f"{path}: cannot read {shown}: {error.strerror}")
        except UnicodeDecodeError:
            self.problems.append(f"{path}: {shown} is not UTF-8 text")
        return None

    def _problem(self, path: str, value: object, expected: str, kind: Any) -> None:
        self.problems.append(f"{path}: expected {expected}, got {_shown(value, kind)}")


def _bound(value: float, metas: Iterable[msgspec.Meta]) -> str:
    """The bound that a value with a unit misses; "" if it keeps them all."""
    for meta in metas:
        if meta.gt is not None and value <= meta.gt:
            return f"more than {meta.gt}"
        if meta.ge is not None and value < meta.ge:
            return f"at least {meta.ge}"
    return ""


def _expectation(kind: Any, error: msgspec.ValidationError) -> str:
    """What msgspec wanted, without its mention of the value, which may have come from the environment."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    wanted = re.match(r"Expected (.*?)(?:, got `\w+`)?(?: - at `.*)?$", str(error))
    return re.sub(r"`(\w+)`", lambda match: _WORDS.get(match[1], match[1]), wanted[1]) if wanted else "another value"


def _shown(value: object, kind: Any) -> str:
    """The value for a message. Containers are not shown: one that stands in the wrong place may hold a secret."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if _may_hold_secret(kind):
        return f"{type(value).__name__} (not shown)"
    text = repr(value.raw if isinstance(value, _Expanded) else value)
    return text if len(text) <= 80 else text[:77] + "..."


def _is_secret(kind: Any) -> bool:
    """Whether the kind is `Secret` or `Secret | None`."""
    return kind is Secret or (get_origin(kind) in (Union, types.UnionType) and Secret in get_args(kind))


def _may_hold_secret(kind: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return any(_may_hold_secret(field.type) for field in msgspec.structs.fields(kind))
    return kind is Secret or any(_may_hold_secret(part) for part in get_args(kind))
