"""${message}."""

from app.database.migrations import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply."""
    run_sql("${up_revision}_${message.lower().replace(' ', '_')}.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("${up_revision}_${message.lower().replace(' ', '_')}.down.sql")
