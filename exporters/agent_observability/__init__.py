"""Agent Observability: Prometheus-native observability for platforms that run LLM agents on Kubernetes."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("agent-observability")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0+unknown"
