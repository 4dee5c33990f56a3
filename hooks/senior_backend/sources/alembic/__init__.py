"""Alembic: revisions in Python, ordered by what each comes after.

Read without running them, where what they run is certain: literal SQL, the operations of
``alembic.op``, and ``.sql`` files. What is not certain is a ``NotRead`` with its line, and
``render.render`` asks Alembic itself (``alembic upgrade --sql``).

One transaction for a whole run, or one for each revision with ``transaction_per_migration``
(Alembic docs, "Runtime Objects", ``EnvironmentContext.configure``); ``autocommit_block()`` leaves
it ("Runtime Objects", ``MigrationContext.autocommit_block``).
"""

from senior_backend.sources.alembic.folder import ID, TITLE, claims, read
from senior_backend.sources.alembic.outside import outside_transaction
from senior_backend.sources.alembic.write import write

__all__ = ["ID", "TITLE", "claims", "outside_transaction", "read", "write"]
