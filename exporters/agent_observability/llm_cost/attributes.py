"""Values of telemetry's attributes as usage needs them: checked, bounded, and with who and what from usual places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from agent_observability.intake.otlp.model import Attribute, Attributes
from agent_observability.llm_cost.metrics import PICO

__all__ = [
    "MAX_SECONDS",
    "MAX_TOKENS",
    "BadValueError",
    "Whose",
    "clean",
    "code",
    "pico_dollars",
    "seconds",
    "shown",
    "text",
    "tokens",
    "whose",
]

MAX_TOKENS = 1_000_000_000
"""Beyond any model's context by far: what is as large is an error of the sender, not usage."""

MAX_SECONDS = 86_400
"""No call takes longer than a day."""

_MAX_BYTES = 128
_MAX_USD = 1_000_000
_PICO = Decimal(PICO)

# In this order, each first on the item and, where it has none of them, on its resource.
_PROJECT = ("project", "service.namespace", "k8s.namespace.name")
_FEATURE = ("feature", "gen_ai.feature", "app.feature")
_AGENT = ("gen_ai.agent.name", "agent.name", "gen_ai.agent.id")
_SESSION = ("session.id", "gen_ai.conversation.id")


class BadValueError(ValueError):
    """An attribute that cannot be believed: its name, and what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Whose(NamedTuple):
    """Whom usage belongs to; "" for what is not said."""

    project: str
    feature: str
    agent: str
    session: str


NOBODYS = Whose("", "", "", "")


def whose(attributes: Attributes, common: Whose = NOBODYS, project: str = "") -> Whose:
    """As the attributes say, and else as `common` does. `project`, of an API key, outdoes both."""
    return Whose(
        project or text(attributes, _PROJECT) or common.project,
        text(attributes, _FEATURE) or common.feature,
        text(attributes, _AGENT) or common.agent,
        text(attributes, _SESSION) or common.session,
    )


def clean(value: str) -> str:
    """Printable and of bounded size: what may become a label or a key."""
    if len(value) <= _MAX_BYTES and value.isascii() and value.isprintable():
        return value.strip()
    kept = "".join([one if one.isprintable() else " " for one in value[:_MAX_BYTES]])
    return kept.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore").strip()


def text(attributes: Mapping[str, Attribute], names: Sequence[str]) -> str:
    """The first of these that is a text, cleaned; "" if none is."""
    for name in names:
        value = attributes.get(name)
        if value and isinstance(value, str):
            return clean(value)
    return ""


def tokens(attributes: Mapping[str, Attribute], names: Sequence[str], *, texts: bool = False) -> int | None:
    """The first of these that is set; `texts` allows numbers written as such. Raises BadValueError."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if texts and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
            value = int(value)
        if type(value) is not int or not 0 <= value < MAX_TOKENS:
            raise BadValueError(name, f"expected a whole number from 0 to {MAX_TOKENS:,}, got {shown(value)}")
        return value
    return None


def pico_dollars(attributes: Mapping[str, Attribute], names: Sequence[str], *, texts: bool = False) -> int | None:
    """Dollars under the first of these names, exactly as written. Raises BadValueError."""
    found = _number(attributes, names, _MAX_USD, texts=texts)
    return None if found is None else int((found * _PICO).to_integral_value())


def seconds(
    attributes: Mapping[str, Attribute], names: Sequence[str], *, scale: float = 1.0, texts: bool = False
) -> float | None:
    """A duration under the first of these names, told in units of `scale` seconds. Raises BadValueError."""
    found = _number(attributes, names, MAX_SECONDS / scale, texts=texts)
    return None if found is None else float(found) * scale


def code(value: Attribute) -> int:
    """A status code of HTTP; 0 for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        return int(value)
    return value if type(value) is int and 100 <= value < 600 else 0


def shown(value: object) -> str:
    """A value for a message: short, and of containers only what they are."""
    return repr(value)[:40] if isinstance(value, str | bool | int | float) else f"a {type(value).__name__}"


def _number(
    attributes: Mapping[str, Attribute], names: Sequence[str], most: float, *, texts: bool = False
) -> Decimal | None:
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if texts and isinstance(value, str):
            value = _parsed(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise BadValueError(name, f"expected a number from 0 to {most:,.0f}, got {shown(attributes[name])}")
        return Decimal(str(value))
    return None


def _parsed(value: str) -> Attribute:
    try:
        return float(value) if value.isascii() and "_" not in value and len(value) <= 30 else value
    except ValueError:
        return value
