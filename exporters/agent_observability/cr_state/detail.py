"""The series of single sessions: which are shown, and their lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agent_observability.cr_state.config import DetailConfig
from agent_observability.cr_state.metrics import (
    DETAIL,
    SESSION_COMPLETION,
    SESSION_COST,
    SESSION_CREATED,
    SESSION_INFO,
    SESSION_PHASE,
    SESSION_REPO,
    SESSION_START,
    SESSION_TOKENS,
    SESSION_TURNS,
)
from agent_observability.cr_state.recent import Recent
from agent_observability.cr_state.shelf import Lines, Page, Shelf
from agent_observability.cr_state.view import SessionListener, View
from agent_observability.exposition import RenderedFamily, format_value, label_text
from agent_observability.metric import Metric

__all__ = ["Detail"]

_NAMES = ("namespace", "project", "session_name")


@dataclass(slots=True)
class _Place:
    """Where a session's lines stand."""

    view: View
    page: Page
    shelf: Shelf


class Detail(SessionListener):
    """Series of the sessions that the policy chooses. `views` are all sessions by uid.

    `refused` is told of each that the limit leaves out.
    """

    def __init__(self, config: DetailConfig, views: Mapping[str, View], refused: Callable[[Metric], None]) -> None:
        self._config = config
        self._views = views
        self._refused = refused
        self._recent = Recent(config.finished, config.age)
        self._places: dict[str, _Place] = {}
        # Those that have not ended change; the others rest.
        self._hot, self._cold = Shelf(len(DETAIL)), Shelf(len(DETAIL))

    def __len__(self) -> int:
        return len(self._places)

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        """`views` says so already."""
        now = time.time()
        policy = self._config.policy
        if policy != "recent":
            shown = new is not None and (policy == "all" or (policy == "active" and not new.ended))
            self._place(uid, new if shown else None)
            return
        was_at_end = old is not None and old.ended
        if old is not None and was_at_end and (new is None or not new.ended):
            self._apply(self._recent.remove(uid, old.facts.ended or 0.0))
        if new is None or not new.ended:
            self._place(uid, new)
        elif not was_at_end:
            self._place(uid, None)
            self._apply(self._recent.add(uid, new.facts.ended or now, now))
        elif uid in self._places:
            self._place(uid, new)

    def expire(self, now: float) -> None:
        """Time has passed."""
        self._apply(self._recent.expire(now))

    def families(self) -> list[RenderedFamily]:
        hot, cold = self._hot.blocks(), self._cold.blocks()
        return [RenderedFamily(metric, (*hot[at], *cold[at])) for at, metric in enumerate(DETAIL)]

    def _apply(self, changes: Iterable[tuple[str, bool]]) -> None:
        for uid, shown in changes:
            self._place(uid, self._views[uid] if shown else None)

    def _place(self, uid: str, view: View | None) -> None:
        place = self._places.get(uid)
        shelf = None if view is None else self._cold if view.ended else self._hot
        if place is not None and place.shelf is shelf and view is not None:
            place.page.replace(_lines(place.view), _lines(view))
            place.view = view
            return
        if place is not None:
            place.shelf.remove(place.page, _lines(place.view))
            del self._places[uid]
        if view is None or shelf is None:
            return
        if len(self._places) >= self._config.sessions:
            self._refused(SESSION_PHASE)
            return
        self._places[uid] = _Place(view, shelf.add(_lines(view)), shelf)


def _lines(view: View) -> Lines:
    """In the order of `DETAIL`."""
    facts, reported = view.facts, view.reported
    base = label_text(_NAMES, (facts.namespace, facts.namespace, facts.name))
    info = label_text(("mode", "model", "scheduled"), (facts.mode, facts.model, "true" if view.scheduled else "false"))
    repos = [_line(SESSION_REPO, base, done, label_text(("repo",), (name,))) for name, done in reported.repos]
    tokens = [_line(SESSION_TOKENS, base, number, f'type="{kind}"') for kind, number in reported.tokens]
    texts = (
        _line(SESSION_PHASE, base, 1, f'phase="{facts.phase}"'),
        _line(SESSION_INFO, base, 1, info),
        _line(SESSION_CREATED, base, facts.created),
        _line(SESSION_START, base, facts.started),
        _line(SESSION_COMPLETION, base, facts.ended),
        "".join(repos),
        _line(SESSION_COST, base, reported.cost),
        _line(SESSION_TURNS, base, reported.turns),
        "".join(tokens),
    )
    return tuple([text.encode() for text in texts])


def _line(metric: Metric, base: str, value: float | None, more: str = "") -> str:
    if value is None:
        return ""
    return f"{metric.name}{{{base}{',' if more else ''}{more}}} {format_value(value)}\n"
