"""Exemplars: an example of what a counter or a bucket counted, shown in OpenMetrics only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_observability.exposition import format_value, label_text

__all__ = ["Exemplar"]

_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An example of an observation: labels (`trace_id`, …) and its time in Unix seconds.

    OpenMetrics allows 128 characters of label names and values; a longer exemplar is left out.
    """

    labels: Mapping[str, str]
    timestamp: float

    def render(self, value: float) -> str:
        if sum(len(name) + len(text) for name, text in self.labels.items()) > _CHARACTERS:
            return ""
        labels = label_text(tuple(self.labels), tuple(self.labels.values()))
        return f" # {{{labels}}} {format_value(value)} {self.timestamp:.3f}"
