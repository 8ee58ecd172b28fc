"""What a check found, for people and for machines."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Finding", "Level", "Part", "as_json", "as_text"]


class Level(enum.Enum):
    """How bad a finding is; only failures make the check fail."""

    OK = ("✓", "OK")
    NOTE = ("–", "NOTE")
    WARNING = ("▲", "WARN")
    FAILURE = ("✕", "FAIL")

    @property
    def text(self) -> str:
        return " ".join(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what, and how bad that is."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the check; `summary` counts what was looked at."""

    name: str
    summary: str
    findings: Sequence[Finding]

    @property
    def failed(self) -> bool:
        return any(finding.level is Level.FAILURE for finding in self.findings)

    @property
    def level(self) -> Level:
        """The worst of its findings."""
        return max((finding.level for finding in self.findings), key=list(Level).index, default=Level.OK)


def as_text(parts: Sequence[Part]) -> str:
    """A block per part: its state and summary, then what is not as it should be."""

    def lines() -> Iterator[str]:
        for part in parts:
            state = Level.FAILURE if part.failed else max(Level.OK, part.level, key=list(Level).index)
            yield f"{(Level.OK if state is Level.NOTE else state).text}  {part.name}: {part.summary}"
            for finding in sorted(part.findings, key=lambda found: -list(Level).index(found.level)):
                yield f"   {finding.level.value[0]} {finding.text}"

    return "\n".join(lines()) + "\n"


def as_json(parts: Sequence[Part]) -> str:
    """One JSON document with the same facts."""
    document = {
        "ok": not any(part.failed for part in parts),
        "parts": [
            {
                "name": part.name,
                "ok": not part.failed,
                "summary": part.summary,
                "findings": [{"level": found.level.name.lower(), "text": found.text} for found in part.findings],
            }
            for part in parts
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
