"""``senior-backend migrations trace``: run migrations on a real PostgreSQL and say what it did."""

import click


@click.command()
def trace() -> None:
    """Run migrations on a PostgreSQL of their own and say what they lock, and whom they block."""
