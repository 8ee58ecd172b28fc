"""The credential proxy exporter: its audit log as metrics, attacks as anomalies, and whether it answers at all."""
