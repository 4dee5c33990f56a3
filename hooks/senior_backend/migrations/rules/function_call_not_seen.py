"""SELECT f() and CALL p() of something whose body no migration shows."""

from collections.abc import Iterator
from typing import Final

from senior_backend.catalog.functions import volatility
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


_AGGREGATES: Final = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
    cume_dist dense_rank every json_agg json_object_agg jsonb_agg jsonb_object_agg max min mode
    percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_slope
    stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg
"""
_EXPRESSIONS: Final = "coalesce exists greatest least nullif row"
_OF_QUERIES: Final = frozenset((_AGGREGATES + _EXPRESSIONS).split())


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
    return name.name in _OF_QUERIES or volatility(step.catalog, name) is not None
