"""The series of single sessions: which are shown, and their lines."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping

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
from agent_observability.cr_state.view import NOTHING, SessionListener, View
from agent_observability.exposition import RenderedFamily, escape, format_value, label_text
from agent_observability.metric import Metric

__all__ = ["Detail"]


class Detail(SessionListener):
    """Series of the sessions that the policy chooses. `views` are all sessions by uid.

    `refused` is told of each that the limit leaves out.
    """

    def __init__(self, config: DetailConfig, views: Mapping[str, View], refused: Callable[[Metric], None]) -> None:
        self._config = config
        self._views = views
        self._refused = refused
        self._recent = Recent(config.finished, config.age)
        self._pages: dict[str, Page] = {}
        # Those that have not ended change; the others rest.
        self._hot, self._cold = Shelf(len(DETAIL)), Shelf(len(DETAIL))

    def __len__(self) -> int:
        return len(self._pages)

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        """`views` says so already."""
        now = time.time()
        policy = self._config.policy
        if policy != "recent":
            shown = new is not None and (policy == "all" or (policy == "active" and not new.ended))
            self._place(uid, old, new if shown else None)
            return
        was_at_end = old is not None and old.ended
        if old is not None and was_at_end and (new is None or not new.ended):
            self._place(uid, old, None)
            self._apply(self._recent.remove(uid, old.facts.ended or 0.0), but=uid)
        if new is None or not new.ended:
            self._place(uid, old, new)
        elif not was_at_end:
            self._place(uid, old, None)
            self._apply(self._recent.add(uid, new.facts.ended or now, now))
        elif uid in self._pages:
            self._place(uid, old, new)

    def expire(self, now: float) -> None:
        """Time has passed."""
        self._apply(self._recent.expire(now))

    def families(self) -> list[RenderedFamily]:
        hot, cold = self._hot.blocks(), self._cold.blocks()
        return [RenderedFamily(metric, (*hot[at], *cold[at])) for at, metric in enumerate(DETAIL)]

    def _apply(self, changes: Iterable[tuple[str, bool]], but: str = "") -> None:
        for uid, shown in changes:
            if uid != but:
                view = self._views[uid]
                self._place(uid, view, view if shown else None)

    def _place(self, uid: str, old: View | None, new: View | None) -> None:
        """Replace the lines of `old`, where it is shown, by those of `new`, where it is to be."""
        page = self._pages.get(uid)
        shelf = None if new is None else self._cold if new.ended else self._hot
        if page is not None and old is not None:
            if new is not None and page.shelf is shelf:
                page.replace(_lines(old), _lines(new))
                return
            page.shelf.remove(page, _lines(old))
            del self._pages[uid]
        if new is None or shelf is None:
            return
        if len(self._pages) >= self._config.sessions:
            self._refused(SESSION_PHASE)
            return
        self._pages[uid] = shelf.add(_lines(new))


def _lines(view: View) -> Lines:
    """In the order of `DETAIL`."""
    facts, reported = view.facts, view.reported
    base = f'{_project_labels(facts.namespace)},session_name="{escape(facts.name)}"'
    scheduled = "true" if view.scheduled else "false"
    model = escape(facts.model)
    repos = tokens = cost = turns = b""
    if reported is not NOTHING:
        repos = b"".join(
            _line(SESSION_REPO, f"{base},{label_text(('repo',), (name,))}", done) for name, done in reported.repos
        )
        tokens = b"".join(_line(SESSION_TOKENS, f'{base},type="{kind}"', number) for kind, number in reported.tokens)
        cost, turns = _line(SESSION_COST, base, reported.cost), _line(SESSION_TURNS, base, reported.turns)
    return (
        f'{SESSION_PHASE.name}{{{base},phase="{facts.phase}"}} 1\n'.encode(),
        f'{SESSION_INFO.name}{{{base},mode="{facts.mode}",model="{model}",scheduled="{scheduled}"}} 1\n'.encode(),
        f"{SESSION_CREATED.name}{{{base}}} {facts.created!r}\n".encode(),
        b"" if facts.started is None else f"{SESSION_START.name}{{{base}}} {facts.started!r}\n".encode(),
        b"" if facts.ended is None else f"{SESSION_COMPLETION.name}{{{base}}} {facts.ended!r}\n".encode(),
        repos,
        cost,
        turns,
        tokens,
    )


@functools.lru_cache(maxsize=4_096)
def _project_labels(namespace: str) -> str:
    return label_text(("namespace", "project"), (namespace, namespace))


def _line(metric: Metric, labels: str, value: float | None) -> bytes:
    return b"" if value is None else f"{metric.name}{{{labels}}} {format_value(value)}\n".encode()
