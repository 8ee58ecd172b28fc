"""What is wrong with an OTLP request, or with one item of it."""

from __future__ import annotations

__all__ = ["OtlpError"]


class OtlpError(ValueError):
    """`field` is the path in the request, "" where it is not known; `reason` what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason

    def under(self, path: str) -> OtlpError:
        """The same, seen from further up."""
        field = f"{path}.{self.field}" if path and self.field else path or self.field
        return OtlpError(field, self.reason)
