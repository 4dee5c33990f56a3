"""RENAME COLUMN while code may still use the old name."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Rename

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);"

RULE = Rule(
    id="rename-column",
    title="Renaming a column breaks the code that runs during the deploy",
    class_="gate",
    severity="error",
    why="""\
Old code asks for the old name, new code for the new one, and only one of them exists at a time.
Whichever is deployed second fails with *column does not exist* until the deploy is complete, and
after a rollback of the code too. The lock is brief; the outage is not. Views keep working, but
show the old name; functions whose body is text fail when they are called.

Add a column of the new name, write both (in the code or with a trigger), fill the old rows in
batches, read the new one, and drop the old one in a later deploy. Or leave the name in the
database and rename it where the code maps it.""",
    source="ALTER TABLE, RENAME",
    bad=Example("ALTER TABLE orders RENAME COLUMN note TO remark;", setup=_ORDERS),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN remark text;\n"
            "CREATE FUNCTION orders_remark() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            "BEGIN\n  NEW.remark := NEW.note;\n  RETURN NEW;\nEND $$;\n"
            "CREATE TRIGGER orders_remark BEFORE INSERT OR UPDATE ON orders\n"
            "  FOR EACH ROW EXECUTE FUNCTION orders_remark();",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left; then move the code to remark\n"
            "UPDATE orders SET remark = note WHERE id IN (\n"
            "  SELECT id FROM orders WHERE remark IS NULL AND note IS NOT NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(Rename,),
    silent=(
        Example(
            "CREATE TABLE drafts (id bigint, note text);\n"
            "ALTER TABLE drafts RENAME COLUMN note TO remark;"
        ),
        Example(
            "ALTER TABLE orders ADD COLUMN remrak text;\n"
            "ALTER TABLE orders RENAME COLUMN remrak TO remark;",
            setup=_ORDERS,
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A column that code of an earlier release may use."""
    rename = step.the(Rename)
    if rename.kind != "column" or step.is_new(rename.of):
        return
    column = step.catalog.column(rename.of, rename.old)
    if column is not None and step.is_from_this_deploy(column.created_by):
        return
    yield Hazard(
        f"Code still running asks for {rename.of}.{rename.old} and fails from the commit on; new "
        f"code that asks for {rename.new} fails before it. No order of deploying avoids both."
    )
