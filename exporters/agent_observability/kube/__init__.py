"""The Kubernetes API as exporters use it: credentials, requests, and lists that are kept up to date by watches.

`reflector.py` follows one resource; what it finds goes to a `Sink`. Reading only: nothing here ever writes.
"""
