"""API keys: made here, kept as salted hashes, each for one project or for all.

A key is `aok_<id>_<secret>` with 256 random bits, so that a fast hash is enough: there is no guessing to slow down, and
a check costs a microsecond. Keys that people think of themselves are not accepted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from agent_observability.decode import Decoder
from agent_observability.errors import ConfigError, StartError
from agent_observability.intake.rate import MAX_RATE

__all__ = ["EVERY_PROJECT", "Key", "Keyring", "add_key", "new_key", "read_keys", "remove_key"]

EVERY_PROJECT = "*"
"""Project of keys whose senders say themselves for which project an item is: gateways and collectors."""

_KEY = re.compile(r"aok_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
# What looks like a key, or a part of one, in a message about a file where somebody has put it by mistake.
_SECRET = re.compile(r"aok_\w{8}_[\w-]*")
_FILE_BYTES = 1024**2

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Hash = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{32}:[0-9a-f]{64}\Z")]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the file. `rate` is in requests per second; None for the intake's own."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{8}\Z")]
    name: Text
    project: Text
    hash: Hash
    rate: Annotated[int, msgspec.Meta(ge=1, le=MAX_RATE)] | None = None

    def __post_init__(self) -> None:
        # They become labels, and are shown on terminals.
        for field, text in (("project", self.project), ("name", self.name)):
            if not text.isprintable():
                raise ValueError(f"{field}: expected printable text, got {text!r}")


class Keyring:
    """The keys in force."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = keys
        self._nobody = _hashed(secrets.token_hex(16), secrets.token_hex(32))

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, header: str | None) -> Key | None:
        """Whose `Authorization: Bearer` header this is. Takes as long for a key that is wrong or does not exist."""
        scheme, _, text = (header or "").partition(" ")
        match = _KEY.fullmatch(text.strip())
        if scheme.lower() != "bearer" or match is None:
            return None
        key = self._keys.get(match[1])
        stored = key.hash if key else self._nobody
        same = hmac.compare_digest(_hashed(stored.split(":")[1], match[0]), stored)
        return key if same else None


def new_key(name: str, project: str, rate: int | None = None) -> tuple[str, Key]:
    """A new key, and the entry under which it is known. The key itself is kept nowhere. Raises StartError."""
    id_ = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(8))
    text = f"aok_{id_}_{secrets.token_urlsafe(32)}"
    hash_ = _hashed(secrets.token_hex(16), text)
    decoder = Decoder(None, Path())
    entry = {"id": id_, "name": name, "project": project, "hash": hash_, "rate": rate}
    key = decoder.decode(Key, entry, "")
    if key is None or decoder.problems:
        raise StartError("; ".join(problem.removeprefix(": ") for problem in decoder.problems))
    return text, key


def read_keys(file: Path) -> dict[str, Key]:
    """The keys in a file, by id; none where there is no file. Raises ConfigError, which shows no key."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read: {error.strerror}"]) from error
    if len(content) > _FILE_BYTES:
        raise ConfigError(str(file), [f"is larger than {_FILE_BYTES // 1024} KiB"])
    try:
        document: Any = yaml.safe_load(content)
    except Exception as error:  # PyYAML lets its constructors' errors through: KeyError, ValueError, RecursionError, …
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        # Its own words would quote the file.
        raise ConfigError(str(file), [f"{where}no valid YAML"]) from None
    decoder = Decoder(None, file.parent)
    keys: list[Key | None] = decoder.decode(list[Key], [] if document is None else document, "keys") or []
    known = [key for key in keys if key is not None]
    unique = {key.id: key for key in known}
    if len(unique) < len(known):
        ids = [key.id for key in known]
        decoder.problems += [f"keys: id {id_!r} stands twice" for id_ in unique if ids.count(id_) > 1]
    if decoder.problems:
        raise ConfigError(str(file), [_SECRET.sub("<key>", problem) for problem in decoder.problems])
    return unique


def add_key(file: Path, name: str, project: str, rate: int | None = None) -> str:
    """Put a new key into a file, made if need be for its owner only; the key. Raises ConfigError, StartError."""
    with _alone(file):
        keys = read_keys(file)
        text, key = new_key(name, project, rate)
        _write(file, [*keys.values(), key])
    return text


def remove_key(file: Path, id_: str) -> None:
    """Take a key out of a file. Raises ConfigError; StartError where it has none of that id."""
    with _alone(file):
        keys = read_keys(file)
        if id_ not in keys:
            raise StartError(f"{file} has no key {id_[:20]!r}; it has: {', '.join(keys) or 'none'}")
        _write(file, [key for key in keys.values() if key.id != id_])


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Of two who add a key at once, the second waits: it would write the file without the first one's key."""
    try:
        folder = os.open(file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StartError(f"cannot write {file}: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(file: Path, keys: Sequence[Key]) -> None:
    """In one step, so that no reader sees half of it, even after a power failure."""
    content = yaml.safe_dump([msgspec.to_builtins(key) for key in keys], sort_keys=False).encode()
    if len(content) > _FILE_BYTES:
        raise StartError(f"cannot write {file}: with {len(keys):,} keys it is larger than {_FILE_BYTES // 1024} KiB")
    # A link stays one, and what it points to is replaced.
    target = file.resolve()
    aside = target.with_name(f".{target.name}.new")
    try:
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            if target.exists():
                before = target.stat()
                os.fchmod(handle, before.st_mode & 0o777)
                # Somebody else's file stays theirs where the system lets us; where not, its mode still says who reads.
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, before.st_uid, before.st_gid)
            stream.write(content)
            stream.flush()
            os.fsync(handle)
        aside.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise StartError(f"cannot write {file}: {error.strerror}") from error


def _hashed(salt: str, text: str) -> str:
    return f"sha256:{salt}:{hashlib.sha256(f'{salt}{text}'.encode()).hexdigest()}"
