"""What the service is about: immutable values and pure functions, no I/O."""
