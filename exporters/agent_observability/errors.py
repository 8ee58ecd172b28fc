"""Errors a user can cause and mend.

AgentObsError
├── ConfigError    a configuration file: every problem with file, path, value and what was expected
└── StartError     something outside the configuration: a port in use, a missing program
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["AgentObsError", "ConfigError", "StartError"]


class AgentObsError(Exception):
    """The message is for the user; the command prints it without a traceback and exits with 1."""


class ConfigError(AgentObsError):
    """`problems` holds one line each; the file's name stands once, in front."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


class StartError(AgentObsError):
    """The environment does not allow the start."""
