"""What a statement does: typed operations, without any knowledge of the schema.

``read(statement)`` in ``reader`` gives the operations of one parsed statement, in the order in
which PostgreSQL runs them. The types stand by subject: ``tables``, ``columns``, ``constraints``,
``indexes``, ``objects``, ``data``, ``session``. A further kind is a dataclass there and a line in
``reader``'s table.
"""
