"""The intake: one HTTP listener to which applications push usage, events and OTLP telemetry."""
