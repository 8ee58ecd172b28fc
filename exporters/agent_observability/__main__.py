"""`python -m agent_observability` is `agent-obs`."""

from agent_observability.cli import main

main()
