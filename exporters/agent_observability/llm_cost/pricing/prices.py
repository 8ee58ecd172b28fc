"""The user's own prices: a YAML file whose entries override and complete what the library knows.

    prices:
      - provider: openai             # any name of it: azure.ai.openai, x_ai, …
        model: gpt-4o                # as reported, case does not matter; or model_pattern, a regular expression that
        from: 2026-07-01             # matches the whole name. UTC date; without one, since ever.
        per_million: {input: 2.20, cache_read: 1.10, output: 8.80}
        per_thousand: {tool_calls: 8}
        batch: {times: 0.5}
        tiers:
          priority: {per_million: {input: 4.25, output: 17}}

All figures are US dollars. Of a model's entries the one with the latest `from` that has begun holds, whole: older ones
do not shine through. An entry that names the model goes before one whose pattern matches; of patterns the first in the
file. What an entry leaves out has the library's price. `batch` and each of `tiers` give own prices or, as `times`,
a factor for all prices; types they leave out cost what the library says of that tier, or else what they cost without.

Numbers are read as text, quoted or not, so that none passes through binary floating point.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec
import yaml

from agent_observability.decode import Decoder
from agent_observability.errors import ConfigError
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.pricing.published import tier_of

__all__ = ["Entry", "PerEach", "PerMillion", "PerMinute", "PerThousand", "Prices", "load", "parse"]

_LARGEST = Decimal(1_000_000)
_DECIMALS = 12
_FILE_BYTES = 4 * 1024 * 1024
_ENTRIES = 10_000
_TIERS = 20


class PerMillion(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars for a million tokens, or characters. `reasoning` where it costs other than the rest of the output."""

    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    characters: Decimal | None = None


class PerThousand(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars for a thousand of them. `requests` is a fee per call, on top of everything else."""

    characters: Decimal | None = None
    images: Decimal | None = None
    tool_calls: Decimal | None = None
    requests: Decimal | None = None


class PerEach(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars for one."""

    images: Decimal | None = None
    tool_calls: Decimal | None = None
    requests: Decimal | None = None


class PerMinute(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars for a minute of audio."""

    audio: Decimal | None = None


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices by measure, or `times`: a factor for all prices that hold without the tier."""

    per_million: PerMillion = PerMillion()
    per_thousand: PerThousand = PerThousand()
    each: PerEach = PerEach()
    per_minute: PerMinute = PerMinute()
    times: Decimal | None = None

    def __post_init__(self) -> None:
        given = self.given()
        twice = sorted({name for name, _ in given if sum(name == other for other, _ in given) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is priced by two measures; give one")
        if self.times is not None and given:
            raise ValueError("give either prices or times, not both")

    def given(self) -> list[tuple[str, tuple[Decimal, int]]]:
        """(type, (dollars, for how many)) of every price that is given; audio by seconds."""
        tables = ((self.per_million, 1_000_000), (self.per_thousand, 1_000), (self.each, 1))
        found = [
            (name, (price, per))
            for table, per in tables
            for name, price in msgspec.structs.asdict(table).items()
            if price is not None
        ]
        if self.per_minute.audio is not None:
            found.append(("audio_seconds", (self.per_minute.audio, 60)))
        return found


class Entry(Prices, frozen=True, kw_only=True):
    """Prices of one model, or of all whose whole name matches the pattern, from 0:00 UTC of a day on."""

    provider: str
    model: str = ""
    model_pattern: re.Pattern[str] | None = None
    since: datetime.date | None = msgspec.field(default=None, name="from")
    batch: Prices | None = None
    tiers: dict[str, Prices] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.provider.strip():
            raise ValueError("provider is empty")
        if (not self.model.strip()) == (self.model_pattern is None):
            raise ValueError("give either model or model_pattern")
        if self.times is not None:
            raise ValueError("times belongs below batch or tiers")
        if not self.given() and self.batch is None and not self.tiers:
            raise ValueError("has no price")
        if len(self.tiers) > _TIERS:
            raise ValueError(f"has more than {_TIERS} tiers")
        wrong = sorted(name for name in self.tiers if (clean := tier_of(name)) in ("", "batch") or clean != name)
        if wrong:
            raise ValueError(f"tiers: {wrong[0]!r} is no tier of its own in lower case, such as flex")

    def key(self) -> tuple[str, str, str]:
        """What a series of dated entries has in common: provider, model, pattern."""
        pattern = self.model_pattern.pattern if self.model_pattern else ""
        return canonical(self.provider), self.model.strip().lower(), pattern


class _File(msgspec.Struct, frozen=True, kw_only=True):
    prices: list[Entry]


class _Loader(yaml.BaseLoader):
    """Reads every scalar as text. Refuses a key that stands twice: YAML would silently keep the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return node


class _PriceDecoder(Decoder):
    """Decodes prices and dates from text; everything else as in the configuration."""

    def _leaf(self, kind: Any, value: object, path: str) -> Any:
        if value == "":
            value = None
        if kind is Decimal:
            return self._price(value, path)
        if kind is datetime.date:
            try:
                return datetime.date.fromisoformat(str(value))
            except ValueError:
                self._problem(path, value, "a date such as 2026-07-01", kind)
                return None
        return super()._leaf(kind, value, path)

    def _price(self, value: object, path: str) -> Decimal | None:
        try:
            price = Decimal(value) if isinstance(value, str) and len(value) <= 40 else Decimal("NaN")
        except InvalidOperation:
            price = Decimal("NaN")
        if price.is_finite() and 0 <= price <= _LARGEST and price == round(price, _DECIMALS):
            return price
        self._problem(path, value, f"a number from 0 to {_LARGEST}, with at most {_DECIMALS} decimals", Decimal)
        return None


def load(file: Path) -> tuple[Entry, ...]:
    """The entries of a file. Raises ConfigError with all its problems."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_FILE_BYTES + 1)
        if len(content) > _FILE_BYTES:
            raise ConfigError(str(file), [f"is larger than {_FILE_BYTES // 1024**2} MiB"])
        return parse(content.decode(), str(file))
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(file), [f"is not UTF-8 text: byte {error.start}"]) from error


def parse(text: str, name: str) -> tuple[Entry, ...]:
    """The entries in `text`; `name` stands in messages. Raises ConfigError with all problems."""
    try:
        # _Loader builds texts, lists and mappings only: nothing in it runs code.
        document = yaml.load(text, _Loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError(name, [f"{where}no valid YAML: {problem}"]) from error
    if document in (None, ""):
        return ()
    if not isinstance(document, dict):
        raise ConfigError(name, [f"expected a mapping with the key prices, got {type(document).__name__}"])
    listed = document.get("prices")
    if isinstance(listed, list) and len(listed) > _ENTRIES:
        raise ConfigError(name, [f"prices: expected at most {_ENTRIES} entries, got {len(listed)}"])
    decoder = _PriceDecoder(None, Path())
    decoded: _File | None = decoder.decode(_File, document, "")
    problems = decoder.problems
    if decoded is not None:
        seen: dict[tuple[Any, ...], int] = {}
        for index, entry in enumerate(decoded.prices):
            first = seen.setdefault((*entry.key(), entry.since), index)
            if first != index:
                problems.append(f"prices[{index}]: same provider, model and from as prices[{first}]")
    if problems or decoded is None:
        raise ConfigError(name, problems)
    return tuple(decoded.prices)
