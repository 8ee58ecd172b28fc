"""The LLM cost exporter: tokens and dollars, from pushed usage, telemetry and the providers' own reports."""
