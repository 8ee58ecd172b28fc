"""A log tailer that survives rotations: every line is counted once, whatever happens to the file or to the process."""
