"""UPDATE and DELETE of an unknown number of rows in one go."""

from collections.abc import Iterator

from senior_backend.migrations.row_changes import extent
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL, region text);"

RULE = Rule(
    id="unbatched-backfill",
    title="An UPDATE or DELETE of many rows at once holds their locks until the last is done",
    class_="gate",
    severity="warning",
    why="""
Every changed row stays locked until the transaction ends: requests that write one of them wait for
all of them. Meanwhile vacuum can remove nothing that died since it began, the log grows by every
row and index entry, replicas fall behind, and a failure at the end loses all of the work. An UPDATE
also leaves a dead copy of each row: the table may double.

Change some thousand rows at a time by primary key, and commit after each batch: a loop in a job, or
in a `DO` block or procedure that runs outside a transaction. Tables that stay small (settings,
countries) need none of this: tell their number of rows in the settings.
""",
    source="UPDATE; 13.3.2 Row-Level Locks; 25.1.2 Recovering Disk Space",
    bad=Example(
        sql="UPDATE invoices SET region = 'EU';",
        setup=_SETUP,
        proof=("invoices scan",),
    ),
    good=(
        Example(
            sql="""
DO $$
BEGIN
    LOOP
        UPDATE invoices SET region = 'EU'
        WHERE id IN (SELECT id FROM invoices WHERE region IS NULL ORDER BY id LIMIT 5000);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
""",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
    operations=(ChangeRows,),
    silent=(
        Example("UPDATE invoices SET region = 'EU' WHERE id = 7;", setup=_SETUP),
        Example("UPDATE invoices SET region = 'EU' WHERE id IN (7, 8);", setup=_SETUP),
        Example("UPDATE invoices SET region = 'EU' WHERE id BETWEEN 1 AND 5000;", setup=_SETUP),
        Example(
            "UPDATE invoices SET region = v.region FROM (VALUES (7, 'EU'), (8, 'US')) "
            "AS v (id, region) WHERE v.id = invoices.id;",
            setup=_SETUP,
        ),
        Example("CREATE TABLE notes (body text); UPDATE notes SET body = '';"),
        Example("INSERT INTO invoices (id, total) VALUES (1, 2);", setup=_SETUP),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A change of rows without a visible bound, unless a graver rule says more."""
    change = step.the(ChangeRows)
    if change.action not in ("update", "delete", "merge"):
        return
    if change.action == "delete" and not change.has_where:
        return
    how_many = extent(step, change)
    if how_many == "few" or step.blocked_since() is not None:
        return
    verb = {"update": "Updates", "delete": "Deletes", "merge": "Merges"}[change.action]
    if how_many == "all":
        which = "rows" if change.has_where or change.action == "merge" else "every row"
        yield Hazard(
            f"{verb} {which} of {change.table} without a bound: writers of those rows wait until "
            "the last is done, and vacuum and replicas fall behind by all of them."
        )
        return
    yield Hazard(
        f"{verb} the rows of {change.table} with one value of {', '.join(change.equals)}: if they "
        "are many, their writers wait until the last is done.",
        class_="hygiene",
        severity="info",
    )
