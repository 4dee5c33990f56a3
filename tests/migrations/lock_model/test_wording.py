from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.lock_model.wording import (
    describe,
    rows_phrase,
    severity,
    unknown_phrase,
    waits_phrase,
)

REWRITE = Effect("orders", Lock.ACCESS_EXCLUSIVE, rewrite=True, scan=True, index_build=True)
BRIEF = Effect("customers", Lock.SHARE_ROW_EXCLUSIVE)
ONLINE = Effect("orders", Lock.SHARE_UPDATE_EXCLUSIVE, scan=True)
PERHAPS = Effect(
    "orders", Lock.ACCESS_EXCLUSIVE, rewrite=None, unknown="the volatility of make_id()"
)
INDEX = Effect("orders", Lock.SHARE, scan=True, index_build=True, blocks=("reads",))


def test_an_effect_says_the_lock_who_waits_and_how_long():
    assert describe(REWRITE, 50_000_000) == (
        "ACCESS EXCLUSIVE on orders (50 M rows): reads and writes wait while the table is rewritten"
    )
    assert describe(BRIEF) == "SHARE ROW EXCLUSIVE on customers: writes wait for a moment"
    assert describe(ONLINE) == "SHARE UPDATE EXCLUSIVE on orders: reads and writes go on"


def test_what_is_not_known_is_said_with_perhaps_and_its_cause():
    assert describe(PERHAPS) == (
        "ACCESS EXCLUSIVE on orders: reads and writes wait perhaps while the table is rewritten"
    )
    assert unknown_phrase(PERHAPS) == "it depends on the volatility of make_id()"
    assert unknown_phrase(REWRITE) == ""


def test_tables_that_wait_alike_are_named_together():
    other = Effect("lines", Lock.SHARE_ROW_EXCLUSIVE)
    assert waits_phrase([REWRITE, BRIEF, other, ONLINE]) == (
        "reads and writes of orders wait while the table is rewritten, "
        "writes of customers and lines wait for a moment"
    )
    assert waits_phrase([ONLINE]) == ""


def test_a_locked_index_blocks_the_reads_of_its_table():
    assert describe(INDEX) == "SHARE on orders: reads and writes wait while the index is built"


def test_it_is_as_severe_as_the_wait_is_long():
    assert severity([REWRITE]) == "error"
    assert severity([BRIEF, ONLINE]) == "warning"
    assert severity([PERHAPS]) == "warning"
    assert severity([ONLINE]) == "info"
    assert severity([REWRITE], rows=9_999) == "info"
    assert severity([REWRITE], rows=10_000) == "error"


def test_rows_are_said_as_people_say_them():
    numbers = (1, 900, 12_000, 1_500_000, 50_000_000, 2_000_000_000)
    assert [rows_phrase(n) for n in numbers] == [
        "1 row",
        "900 rows",
        "12 k rows",
        "1.5 M rows",
        "50 M rows",
        "2 bn rows",
    ]
