"""SECURITY DEFINER functions."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import CreateFunction

RULE = Rule(
    id="security-definer-without-search-path",
    title="A SECURITY DEFINER function that does not set search_path runs its caller's code",
    class_="hygiene",
    severity="warning",
    why="""
The function runs with the rights of its owner, but looks names up along the `search_path` of
whoever calls it. A caller who can create objects anywhere, temporary ones are enough, puts a table,
function or operator of the same name in front, and the owner's rights are theirs.

Say `SET search_path = pg_catalog, pg_temp` (and the schemas that it needs, `pg_temp` last) in the
definition, or `SET search_path = ''` and qualify every name.
""",
    source="CREATE FUNCTION, Writing SECURITY DEFINER Functions Safely",
    bad=Example(
        sql="""
CREATE FUNCTION is_member(person bigint) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    AS 'SELECT person > 0';
""",
    ),
    good=(
        Example(
            sql="""
CREATE FUNCTION is_member(person bigint) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'SELECT person > 0';
""",
        ),
    ),
    operations=(CreateFunction,),
    silent=(
        Example(
            "CREATE FUNCTION is_member(person bigint) RETURNS boolean LANGUAGE sql "
            "AS 'SELECT person > 0';",
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A function with its owner's rights and its caller's search_path."""
    create = step.the(CreateFunction)
    if create.security_definer and not create.sets_search_path:
        yield Hazard(
            f"{create.name} runs with its owner's rights, but looks names up along its caller's "
            "search_path: who may create objects can have it run code of their own."
        )
