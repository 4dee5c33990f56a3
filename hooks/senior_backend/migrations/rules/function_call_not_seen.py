"""SELECT f() and CALL p() of something whose body no migration shows."""

from collections.abc import Iterator
from typing import Final

from senior_backend.migrations.lock_model.functions import STEADY, VOLATILE
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import Call, Select
from senior_backend.operations.names import Name

RULE = Rule(
    id="function-call-not-seen",
    title="The migration calls a function whose body is not known here",
    class_="note",
    severity="info",
    why="""
`SELECT backfill()` or `CALL tidy_up()` runs whatever is in the function. When a migration of the
folder created it in SQL or PL/pgSQL, its statements are checked at the call, as if they stood
there. When it comes from an extension, is written in another language or was created elsewhere,
they are not: that nothing is reported for the call does not mean that it is safe.

Functions of PostgreSQL itself (`setval`, `set_config`, ...) are not reported.
""",
    source="CALL; 36.3 User-Defined Functions",
    bad=Example(sql="SELECT backfill_invoices();", proof=("error: does not exist",)),
    good=(
        Example(
            sql="""
CREATE FUNCTION first_invoice() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
SELECT first_invoice();
""",
        ),
    ),
    operations=(Select, Call),
    silent=(
        Example("SELECT setval('invoice_numbers', 100);", setup="CREATE SEQUENCE invoice_numbers;"),
        Example("SELECT count(*), max(id) FROM invoices;", setup="CREATE TABLE invoices (id int);"),
    ),
)

_FURTHER: Final = """
    any_value avg bit_and bit_or bool_and bool_or cardinality coalesce count cume_dist
    current_query dense_rank every exists first_value format_type generate_series
    generate_subscripts gen_random_uuid inet_client_addr lag last_value lead lower_inc max min
    mode nth_value ntile nullif num_nonnulls num_nulls obj_description percent_rank
    percentile_cont percentile_disc quote_ident rank regclass regexp_count regexp_instr
    regexp_split_to_table row row_number stddev string_agg string_to_table sum to_regclass
    to_regnamespace to_regproc to_regtype ts_rank ts_headline unnest upper_inc variance
    version xmlagg
"""
_OF_POSTGRESQL: Final = STEADY | VOLATILE | frozenset(_FURTHER.split())
_PREFIXES: Final = ("pg_", "lo_", "txid_", "has_", "json", "array_", "currtid")


def check(step: Step) -> Iterator[Hazard]:
    """A call that the checks cannot follow."""
    operation = step.operation
    if isinstance(operation, Call):
        names: tuple[Name, ...] = (operation.procedure,)
    elif isinstance(operation, Select):
        names = operation.functions
    else:
        return
    unseen = [f"{name}()" for name in names if not _is_seen(step, name)]
    if unseen:
        yield Hazard(
            f"Runs {', '.join(unseen[:3])}, whose body no migration here shows: what it does could "
            "not be checked."
        )


def _is_seen(step: Step, name: Name) -> bool:
    if name.schema in ("pg_catalog", "information_schema"):
        return True
    known = step.catalog.functions.get(step.catalog.key(name))
    if known is not None:
        return known.language.lower() in ("sql", "plpgsql")
    return name.name in _OF_POSTGRESQL or name.name.startswith(_PREFIXES)
