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
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from agent_observability.units import Duration, Size

__all__ = ["Decoder", "Secret"]

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})")
_SECRET_FILE_BYTES = 64 * 1024


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
                return self._problem(path, value, "a list")
            return origin([self.decode(get_args(kind)[0], item, f"{path}[{i}]") for i, item in enumerate(value)])
        if origin is dict:
            if not isinstance(value, dict):
                return self._problem(path, value, "a mapping")
            return {str(key): self.decode(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
        return self._leaf(kind, value, path)

    def _struct(self, kind: type[msgspec.Struct], value: object, path: str) -> Any:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return self._problem(path, value, "a mapping")
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        files = {f"{name}_file": name for name, field in fields.items() if _holds_secret(field.type)}
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
                self.problems.append(f"{path}.{name}: missing")
        return kind(**decoded) if len(self.problems) == before else None

    def unknown_key(self, path: str, key: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(key, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}"
        self.problems.append(f"{path}: unknown key {key!r}; {hint}")

    def _leaf(self, kind: Any, value: object, path: str) -> Any:
        if isinstance(value, str):
            value = self._expand(value, path)
        base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if base is Secret:
            if not isinstance(value, str):
                self.problems.append(f"{path}: expected text (not shown), got {type(value).__name__}")
                return None
            return Secret(value)
        if base is Path and isinstance(value, str):
            return self._directory / value
        try:
            if base in (Duration, Size):
                return base.parse(str(value) if isinstance(value, str) else value)
            if base is re.Pattern or get_origin(base) is re.Pattern:
                return re.compile(msgspec.convert(value, str))
            if isinstance(value, str):
                return msgspec.convert(str(value), kind, strict=not isinstance(value, _Expanded))
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            return self._problem(path, value, str(error).split(" - at `$", 1)[0])
        except re.error as error:
            return self._problem(path, value, f"a regular expression ({error})")
        except ValueError as error:
            return self._problem(path, value, str(error))

    def _expand(self, text: str, path: str) -> str:
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
        if expanded == text:
            return text
        result = _Expanded(expanded)
        result.raw = text
        return result

    def _secret_file(self, value: object, path: str) -> Secret | None:
        file = self._leaf(Path, value, path)
        if not isinstance(file, Path):
            return None
        try:
            with file.open("rb") as stream:
                return Secret(stream.read(_SECRET_FILE_BYTES).decode().rstrip("\r\n"))
        except OSError as error:
            self.problems.append(f"{path}: cannot read {os.fspath(file)!r}: {error.strerror}")
        except UnicodeDecodeError:
            self.problems.append(f"{path}: {os.fspath(file)!r} is not UTF-8 text")
        return None

    def _problem(self, path: str, value: object, expected: str) -> None:
        shown = value.raw if isinstance(value, _Expanded) else value
        text = repr(shown)
        lead = "" if expected.startswith("Expected") else "expected "
        self.problems.append(f"{path}: {lead}{expected}, got {text if len(text) <= 80 else text[:77] + '...'}")


def _holds_secret(kind: Any) -> bool:
    return kind is Secret or Secret in get_args(kind)
