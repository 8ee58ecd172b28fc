"""`agent-obs` with the exporters of the tests in place of the suite's."""

from agent_observability import registry
from tests.probe import EXPORTERS

if __name__ == "__main__":
    # Before the modules that copy these names are imported.
    registry.EXPORTERS = EXPORTERS
    registry.BY_NAME = {exporter.name: exporter for exporter in EXPORTERS}
    from agent_observability.cli import main

    main()
