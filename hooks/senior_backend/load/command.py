"""``senior-backend load``: run a load test, show its result, compare two."""

import click


@click.group()
def load() -> None:
    """Load a service in an open model, and say honestly how it held."""
