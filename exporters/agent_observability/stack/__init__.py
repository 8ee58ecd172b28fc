"""The local stack: `agent-obs up` runs the suite on one machine, `agent-obs drill` proves that a page arrives."""
