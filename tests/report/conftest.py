"""Fixtures: PostgreSQL, as the ledger's own tests have it."""

from __future__ import annotations

from tests.ledger.conftest import cluster

__all__ = ["cluster"]
