"""Agent Observability: Prometheus-native observability for platforms that run LLM agents on Kubernetes."""

__all__ = ["__version__"]

__version__ = "0.1.0"
