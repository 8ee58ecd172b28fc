"""What Slack and PagerDuty accept. Each function returns the reason for a refusal, or None.

Sources: Slack's reference of legacy attachments (title, text, buttons) and of escaping in message text; PagerDuty's
Events API v2 (fields of an event and their limits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

__all__ = ["pagerduty_refuses", "slack_refuses"]

_SEVERITIES = {"critical", "error", "warning", "info"}
_MAX_EVENT_BYTES = 512 * 1024
_MAX_SLACK_TEXT = 4000
# What may follow a bare ampersand, and what may stand between angle brackets: here, only a date with its fallback.
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_DATE = re.compile(r"<!date\^\d+\^[^|<>]+\|[^|<>]+>")


def slack_refuses(message: Any) -> str | None:
    """The body of a post to an incoming webhook."""
    match message:
        case {"channel": str(channel), "attachments": [dict(attachment)]} if channel.startswith("#"):
            return _attachment(attachment)
    return "invalid_payload"


def _attachment(attachment: dict[str, Any]) -> str | None:
    title, text = attachment.get("title", ""), attachment.get("text", "")
    if not title or not text or not attachment.get("fallback"):
        return "missing_text_or_fallback_or_attachments"
    if len(title) > 150 or len(text) >= _MAX_SLACK_TEXT:
        return f"too_long: title {len(title)}, text {len(text)}"
    if "text" not in attachment.get("mrkdwn_in", []) or not re.fullmatch("#[0-9A-F]{6}", attachment.get("color", "")):
        return "invalid_attachments: mrkdwn_in, color"
    if re.search(r"<\S", title) or _ENTITY.search(text) or re.search("[<>]", _DATE.sub("", text)):
        return f"unescaped: {title!r} {text!r}"
    if not _is_address(attachment.get("title_link")):
        return "invalid_attachments: title_link"
    actions = attachment.get("actions", [])
    if len(actions) > 5 or not all(_is_button(action) for action in actions):
        return f"invalid_attachments: actions {actions}"
    return None


def _is_button(action: dict[str, Any]) -> bool:
    text = action.get("text", "")
    return action.get("type") == "button" and 0 < len(text) <= 30 and _is_address(action.get("url"))


def pagerduty_refuses(event: Any) -> str | None:
    """The body of a post to /v2/enqueue."""
    match event:
        case {
            "routing_key": str(),
            "event_action": "trigger" | "resolve",
            "dedup_key": str(key),
            "payload": dict(payload),
        }:
            pass
        case _:
            return "routing_key, event_action, dedup_key and payload are required"
    summary = payload.get("summary", "")
    problems = {
        "dedup_key": not 0 < len(key) <= 255,
        "summary": not 0 < len(summary) <= 1024 or "\n" in summary,
        "source": not payload.get("source"),
        "severity": payload.get("severity") not in _SEVERITIES,
        "custom_details": not _are_texts(payload.get("custom_details", {}).values()),
        "client_url": not _is_address(event.get("client_url")),
        "links": not all(_is_address(link["href"]) and link["text"] for link in event.get("links", [])),
        "size": len(json.dumps(event).encode()) > _MAX_EVENT_BYTES,
    }
    return ", ".join(name for name, wrong in problems.items() if wrong) or None


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_address(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > 3000 or not re.fullmatch(r"[!-~]+", text):
        return False
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
