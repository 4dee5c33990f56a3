"""REFRESH MATERIALIZED VIEW without CONCURRENTLY."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import RefreshMaterializedView

_SETUP = """
CREATE TABLE invoices (id bigint PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL);
CREATE MATERIALIZED VIEW totals AS
    SELECT customer, sum(total) AS total FROM invoices GROUP BY customer;
CREATE UNIQUE INDEX totals_customer ON totals (customer);
"""

RULE = Rule(
    id="refresh-materialized-view-not-concurrent",
    title="REFRESH MATERIALIZED VIEW blocks its readers while the query runs",
    class_="gate",
    severity="warning",
    why="""
A plain refresh takes ACCESS EXCLUSIVE on the materialized view before it runs the query, however
long that takes; everybody who reads the view waits. `WITH NO DATA` is quick, but afterwards reading
the view is an **error** until it is refreshed.

`REFRESH MATERIALIZED VIEW CONCURRENTLY` lets readers go on with the old rows. It needs a unique
index on plain columns that covers all rows (no `WHERE`), and a view that has been filled before; it
takes EXCLUSIVE, so only one refresh runs at a time. Without such an index it **fails**. Better
still, refresh from a job, not from a migration.
""",
    source="REFRESH MATERIALIZED VIEW",
    bad=Example(
        sql="REFRESH MATERIALIZED VIEW totals;",
        setup=_SETUP,
        proof=("totals ACCESS EXCLUSIVE", "totals rewrite"),
    ),
    good=(
        Example(
            sql="REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
    operations=(RefreshMaterializedView,),
    silent=(
        Example(
            "CREATE MATERIALIZED VIEW ids AS SELECT id FROM invoices WITH NO DATA; "
            "REFRESH MATERIALIZED VIEW ids;",
            setup=_SETUP,
        ),
        Example(
            "CREATE UNIQUE INDEX totals_all ON totals (customer, total);\n"
            "DROP INDEX totals_customer;\nREFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
            setup=_SETUP,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A refresh that readers of a view in use notice."""
    refresh = step.the(RefreshMaterializedView)
    if refresh.concurrently and _has_no_key(step, refresh.name):
        yield Hazard(
            f"Fails: {refresh.name} has no unique index on plain columns without WHERE, by "
            "which REFRESH CONCURRENTLY tells its rows apart.",
            severity="error",
        )
        return
    if step.is_new(refresh.name):
        return
    if not refresh.with_data:
        yield Hazard(
            f"Empties {refresh.name}: reading it is an error from the commit on until it is "
            "refreshed with data.",
            severity="error",
        )
    elif not refresh.concurrently:
        yield Hazard(
            f"Takes ACCESS EXCLUSIVE on {refresh.name} and runs its query: every read of it waits "
            "until the query and the rebuild of its indexes end."
        )


def _has_no_key(step: Step, name: Name) -> bool:
    """Whether it was seen to be created without an index that a concurrent refresh needs."""
    view = step.catalog.table(name)
    if view is None or view.kind != "materialized view":
        return False
    return not any(
        index.unique and index.where is None and all(key.column for key in index.keys)
        for index in step.catalog.indexes_of(name)
    )
