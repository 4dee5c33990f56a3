"""Idempotency keys: what the service needs whatever it is about."""

from app.database.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    run_sql("0001_idempotency_keys.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0001_idempotency_keys.down.sql")
