"""What is proved of the bad examples of rules, where it is more or less than of any case."""

from tests.migrations.fixes.cases import Case

_FIRST = "ALTER TABLE {} ADD COLUMN first_of_all integer;\n"
"""What stays, so that a drop has a migration to leave."""

EXAMPLES: dict[str, Case] = {
    "drop-column": Case("", _FIRST.format("orders"), how="plan", left=("drop-column",)),
    "drop-column-drops-constraint": Case(
        "",
        _FIRST.format("orders"),
        how="plan",
        left=("drop-column", "drop-column-drops-constraint"),
    ),
    "drop-table": Case("", _FIRST.format("customers"), how="plan", left=("drop-table",)),
    "domain-constraint": Case(
        "",
        how="plan",
        left=("domain-constraint",),
        blocks=("orders SHARE: ['ALTER', 'DOMAIN', 'amount']",),
    ),
    "add-column-required": Case(
        "", how="plan", fails=True, between="UPDATE orders SET currency = 'EUR'"
    ),
    "column-type-rewrite": Case("", how="plan", left=("drop-column", "rename-column")),
    # The row of the example fits no shorter type, which is what the rule says: one that does.
    "type-narrowing-data-loss": Case(
        "",
        setup="CREATE TABLE orders (id bigint PRIMARY KEY, price numeric(10,2), code varchar(20));"
        "\nINSERT INTO orders VALUES (1, 9.99, 'ABCDEFGHIJ');",
        how="plan",
        left=("drop-column", "rename-column"),
        rows="SELECT id, code FROM orders",
    ),
    "timestamp-to-timestamptz": Case("", how="plan", left=("drop-column", "rename-column")),
    "type-change-missing-using": Case(
        "",
        how="plan",
        fails=True,
        left=("column-type-rewrite",),
        blocks=(
            "orders ACCESS EXCLUSIVE: ['ALTER', 'TABLE', 'orders']",
            "orders_pkey ACCESS EXCLUSIVE: ['ALTER', 'TABLE', 'orders']",
        ),
    ),
    "drop-partition-locks-parent": Case("", how="plan", left=("drop-table",), free=("events",)),
    "detach-partition-not-concurrent": Case("", how="any", free=("events",)),
    "drop-index-not-concurrent": Case("", how="any", free=("orders", "orders_status_idx")),
    "index-not-concurrent": Case("", how="any", free=("orders",)),
    "reindex-not-concurrent": Case("", how="any", free=("orders", "orders_status_idx")),
    "refresh-materialized-view-not-concurrent": Case("", how="any", free=("totals",)),
    "attach-partition-scan": Case("", how="any", free=("events",)),
    "add-column-constrained-domain": Case(
        "", how="plan", staged=("orders.pieces", "orders_pieces")
    ),
    "add-column-generated-stored": Case("", how="plan", staged=("orders.gross", "orders_gross")),
}
"""``up`` stands before the example. They are taken back where ``down`` does that."""

UNPROVED: dict[str, str] = {
    "type-change-on-fk-target": "told only: both sides of the reference have to go together",
}
"""Rules whose bad example shows no fix, with the reason."""
