"""Generates what the Helm chart, its schema and table of values, and the plain manifests are made of.

`python -m helm` writes everything; nothing below `agent-observability/files/` is edited by hand.
"""
