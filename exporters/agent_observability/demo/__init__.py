"""A simulated agent platform: real protocols over real sockets, made-up contents, faults on demand."""
