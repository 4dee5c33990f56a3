"""ADD EXCLUDE, for which there is no online way."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint

_BOOKINGS = "CREATE TABLE bookings (id bigint PRIMARY KEY, during tstzrange);"
_EXCLUDE = "EXCLUDE USING gist (during WITH &&)"

RULE = Rule(
    id="exclusion-constraint",
    title="ADD EXCLUDE closes the table while its index is built, and has no online form",
    class_="gate",
    severity="error",
    why="""\
`ADD CONSTRAINT ... EXCLUDE` builds an index (mostly GiST, slow to build) under `ACCESS EXCLUSIVE`:
neither reads nor writes get through until it is there, and one conflicting pair of rows makes it
fail at the end. Neither way out exists here: an exclusion constraint cannot be `NOT VALID`, and it
cannot adopt an index that was built concurrently.

On a large table create a new one that has the constraint from the start, write to both, copy the
old rows in batches and swap the names. Where that is too much, do it in a window in which nobody
needs the table, with a `lock_timeout`. On a small table it is over in an instant: say so with
`rows`.
""",
    source="CREATE TABLE, EXCLUDE; ALTER TABLE, ADD table_constraint",
    bad=Example(
        setup=_BOOKINGS,
        sql=f"ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap {_EXCLUDE};",
        proof=("bookings ACCESS EXCLUSIVE", "bookings index build"),
    ),
    good=(
        Example(
            f"""\
CREATE TABLE bookings_exclusive (
  id bigint PRIMARY KEY, during tstzrange, CONSTRAINT bookings_no_overlap {_EXCLUDE}
);
""",
            setup=_BOOKINGS,
        ),
    ),
    silent=(Example(f"{_BOOKINGS}\nALTER TABLE bookings ADD {_EXCLUDE};"),),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """An exclusion constraint on a table in use."""
    added = step.the(AddConstraint)
    if added.constraint.kind == "exclude" and not step.is_new(added.table):
        yield graded(
            step,
            added.table,
            f"ADD EXCLUDE builds an index over {added.table} under ACCESS EXCLUSIVE: all reads and "
            f"writes of {added.table} wait until it is built. It can neither be NOT VALID nor "
            "adopt an index.",
        )
