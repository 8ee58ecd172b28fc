"""Logging on standard error, as logfmt or JSON lines: one record, one line, whatever it holds."""

from __future__ import annotations

import json
import logging
import re
import time

from agent_observability.config import LogConfig

__all__ = ["setup_logging"]

_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")


class _LineFormatter(logging.Formatter):
    def __init__(self, style: str) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {
            "ts": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("agent_observability."),
            "msg": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            fields["traceback"] = self.formatException(record.exc_info)
        if self._json:
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def setup_logging(config: LogConfig) -> None:
    """Install the handler, replacing one from before. asyncio and aiohttp speak through it too."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter(config.format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
