"""`agent-obs check --prometheus URL`: whether an installed suite works, asked of the Prometheus that reads it."""
