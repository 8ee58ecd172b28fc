"""A simulated agent platform: real protocols over real sockets, made-up contents, faults on demand."""

ADMIN_KEY = "admin-key-of-the-demo"
"""Of its providers' admin APIs."""
