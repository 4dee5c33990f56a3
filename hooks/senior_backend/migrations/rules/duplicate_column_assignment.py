"""INSERT or UPDATE that names a column twice."""

import re
from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, state text, tags text[]);"

RULE = Rule(
    id="duplicate-column-assignment",
    title="The statement fails: it names a column twice",
    class_="gate",
    severity="error",
    why="""\
PostgreSQL refuses an `UPDATE` that assigns a column twice (*multiple assignments to same column*)
and an `INSERT` that lists one twice (*specified more than once*), on an empty table too. The
grammar accepts it, so that a syntax check passes and the migration fails when it is run; under a
tool without a transaction around the file the statements before it stay done.

Elements of an array and fields of a composite (`tags[1] = ..., tags[2] = ...`) may be assigned
side by side.""",
    source="UPDATE, Parameters; INSERT, Parameters",
    bad=Example(
        "UPDATE orders SET state = 'new', state = 'open' WHERE id = 1;",
        setup=_ORDERS,
        proof=("error: multiple assignments to same column",),
    ),
    good=(Example("UPDATE orders SET state = 'open' WHERE id = 1;", setup=_ORDERS),),
    operations=(ChangeRows,),
    silent=(
        Example("UPDATE orders SET tags[1] = 'a', tags[2] = 'b' WHERE id = 1;", setup=_ORDERS),
        Example("INSERT INTO orders (id, state) VALUES (1, 'state');", setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A column that INSERT or UPDATE names twice as a whole."""
    change = step.the(ChangeRows)
    names = change.columns
    if len(set(names)) == len(names):
        return
    twice = sorted({name for name in names if names.count(name) > 1})
    sql = step.statement.sql
    whole = [name for name in twice if not re.search(rf'\b{re.escape(name)}"?\s*[\[.]', sql)]
    if whole:
        yield Hazard(f"this fails: {change.action.upper()} names {', '.join(whole)} twice.")
