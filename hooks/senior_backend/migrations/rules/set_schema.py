"""ALTER ... SET SCHEMA."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import CreateView, SetSchema

_SETUP = "CREATE SCHEMA archive; CREATE TABLE invoices (id bigint PRIMARY KEY);"

RULE = Rule(
    id="set-schema",
    title="SET SCHEMA takes an object out of the search path of code that uses it",
    class_="gate",
    severity="error",
    why="""
Moving a table to another schema is a rename of its qualified name. It takes a moment (ACCESS
EXCLUSIVE on the table), but statements that name the old schema, or rely on a `search_path`
without the new one, fail from the commit on; grants on the new schema may be missing too.

Make a view under the old name in the same transaction (it takes writes as well when it selects all
columns of one table), or set the `search_path` of the application's role to hold both schemas
before the move.
""",
    source="ALTER TABLE, SET SCHEMA; 5.10.3 The Schema Search Path",
    bad=Example(
        sql="ALTER TABLE invoices SET SCHEMA archive;",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
ALTER TABLE invoices SET SCHEMA archive;
CREATE VIEW invoices AS SELECT * FROM archive.invoices;
""",
            setup=_SETUP,
        ),
    ),
    operations=(SetSchema,),
    silent=(
        Example(
            "CREATE TABLE scratch (id int); ALTER TABLE scratch SET SCHEMA archive;",
            setup="CREATE SCHEMA archive;",
        ),
    ),
    downs=False,
)

_CLIENTS_NAME_IT = frozenset(
    {"table", "foreign table", "view", "materialized view", "function", "procedure", "routine"}
    | {"type", "domain", "sequence", "extension", "aggregate"}
)


def check(step: Step) -> Iterator[Hazard]:
    """A moved object, unless it is new or a view takes its place."""
    move = step.the(SetSchema)
    if move.kind not in _CLIENTS_NAME_IT or _is_new(step, move):
        return
    if any(_same(step, o.name, move.name) for o in step.later if isinstance(o, CreateView)):
        return
    table_like = "table" in move.kind or "view" in move.kind
    yield Hazard(
        f"Moves {move.kind} {move.name} to schema {move.schema}: code that names the old schema, "
        f"or whose search_path lacks {move.schema}, fails from the commit on.",
        severity="error" if table_like else "warning",
    )


def _is_new(step: Step, move: SetSchema) -> bool:
    catalog, key = step.catalog, step.catalog.key(move.name)
    if step.is_new(move.name):
        return True
    made = catalog.functions.get(key) or catalog.enums.get(key) or catalog.domains.get(key)
    return made is not None and step.is_from_this_deploy(made.created_by)


def _same(step: Step, one: Name, other: Name) -> bool:
    return step.catalog.key(one) == step.catalog.key(other)
