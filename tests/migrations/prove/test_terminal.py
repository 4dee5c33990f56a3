"""A proof in a terminal: side by side where there is room, stacked where not, plain in pipes.

``UPDATE_EXPECTED=1 pytest tests/migrations/prove`` writes what is expected anew: look at what
changed.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from senior_backend.findings import Suppression
from senior_backend.migrations.prove import markdown, terminal
from senior_backend.migrations.prove.proof import End, Fixed, Proof, Side, WayBack
from senior_backend.migrations.trace.observed import Estimate, Problem
from tests.migrations.prove.observed import PATH, finding, statement, trace

EXPECTED = Path(__file__).parent / "expected"
NEW = "db/003_validate_orders_customer_id_fkey.sql"
BACK = WayBack("leads back")

INDEX = statement(
    "CREATE INDEX orders_customer_id_idx ON orders (customer_id)",
    "orders S",
    builds=["orders"],
    duration_ms=1.23,
    wal_bytes=2310,
    estimates=(Estimate("orders", 50_000_000, 41.2, 31.4, 52.0, "two sizes"),),
)
KEY = statement(
    "ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey\n"
    "  FOREIGN KEY (customer_id) REFERENCES customers (id)",
    "orders SRE",
    "customers SRE",
    line=2,
    scans=["orders"],
    duration_ms=12.3,
    wal_bytes=812,
)
WRITTEN = Side((trace(INDEX, KEY),), BACK)
FIXED = Side(
    (
        trace(
            statement(
                "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id)",
                "orders SUE",
                transaction=None,
                builds=["orders"],
                waits_for=("older transactions",),
                duration_ms=1234.5,
                wal_bytes=2_310_000,
            ),
            statement("SET LOCAL lock_timeout = '5s'", line=2, transaction=2),
            statement(
                f"{KEY.sql} NOT VALID",
                "orders SRE",
                "customers SRE",
                line=3,
                transaction=2,
                duration_ms=0.8,
                wal_bytes=799,
            ),
        ),
        trace(
            statement(
                "ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_id_fkey",
                "orders SUE",
                scans=["orders"],
                path=NEW,
                duration_ms=0.4,
                wal_bytes=80,
            ),
            path=NEW,
        ),
    ),
    BACK,
)
PROOF = Proof(
    PATH,
    "18.6",
    14,
    (
        finding("index-not-concurrent"),
        finding("missing-lock-timeout", class_="hygiene", severity="warning"),
        finding("fk-without-not-valid", line=2),
    ),
    WRITTEN,
    Fixed(
        automatic=False,
        diff="diff --git a/x b/x\n",
        side=FIXED,
        in_steps=True,
        deploys={NEW: "the release that writes customers first"},
        reasons=("rows without a customer have to go first",),
        end=End((), ("table orders: order of columns: a, b → b, a",)),
    ),
    earlier=12,
    stubbed=("extension postgis",),
    problems=(Problem("db/001_a.sql", 7, 'relation "x" does not exist'),),
)
FAILED = replace(
    PROOF,
    fixed=replace(PROOF.fixed, failure=f"{NEW}:1: constraint does not exist", automatic=True),
)


@pytest.mark.parametrize("width", [120, 80])
def test_it_is_as_recorded(width):
    text = terminal.render(PROOF, width=width, colour=False) + "\n"
    file = EXPECTED / f"terminal-{width}.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 400])
@pytest.mark.parametrize("proof", [PROOF, FAILED], ids=["proof", "failed"])
def test_no_line_is_longer_than_the_terminal(proof, width):
    lines = terminal.render(proof, width=width, colour=False).splitlines()
    assert max(len(line) for line in lines if not line.startswith("$ ")) <= max(width, 60)
    assert ("│" in "".join(lines)) == (width >= 100)


def test_colours_say_what_the_words_say():
    plain = terminal.render(PROOF, width=120, colour=False)
    coloured = terminal.render(PROOF, width=120, colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured).split() == plain.split()
    assert "\x1b[1;33m" in coloured  # writes wait: yellow
    assert "\x1b[1;32m" in coloured  # nobody waits: green


def test_colours_are_those_of_the_terminal_and_never_black_or_white():
    coloured = terminal.render(PROOF, width=120, colour=True)
    codes = {
        code for found in re.findall(r"\x1b\[([\d;]*)m", coloured) for code in found.split(";")
    }
    assert codes <= {"0", "1", "2", "31", "32", "33", "34"}


def test_without_unicode_it_is_ascii():
    assert terminal.render(PROOF, width=120, colour=False, unicode=False).isascii()


@pytest.mark.parametrize("proof", [PROOF, FAILED], ids=["proof", "failed"])
def test_both_forms_say_the_same_of_each_statement(proof):
    texts = (terminal.render(proof, width=80, colour=False), markdown.render([proof]))
    for text in texts:
        for one in (*proof.written.statements, *proof.fixed.side.statements):
            assert one.sql.split()[-1] in text
        assert "SHARE ROW EXCLUSIVE on orders and customers" in text
        assert "41 s on orders at 50M rows (31 s to 52 s)" in " ".join(text.split())


@pytest.mark.parametrize(
    "render", [lambda p: terminal.render(p, width=80, colour=False), lambda p: markdown.render([p])]
)
def test_a_fix_that_failed_is_not_offered(render):
    text = " ".join(render(FAILED).split())
    assert "FAILED on the server, so it is not offered; please report it" in text
    assert f"{NEW}:1: constraint does not exist" in text
    assert "senior-backend migrations" not in text
    assert "diff --git" not in text
    assert FAILED.fixed.as_json()["diff"] is None
    assert not FAILED.holds


def test_a_suppressed_finding_is_shown_with_its_reason():
    why = Suppression("the table is tiny")
    proof = replace(PROOF, findings=(finding("index-not-concurrent", suppressed=why),), fixed=None)
    for text in (terminal.render(proof, width=80, colour=False), markdown.render([proof])):
        assert "suppressed: the table is tiny" in text
        assert "finds nothing that is not suppressed" in text


def test_what_a_terminal_would_obey_is_not_printed():
    hostile = statement("ALTER TABLE \x1b[31m ADD b int -- \u202e", "\x1b]0;x\x07 AE")
    proof = replace(PROOF, written=Side((trace(hostile),)), path="db/\x1b[2J.sql")
    text = terminal.render(proof, width=120, colour=False)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_markup_of_names_is_text():
    named = statement("ALTER TABLE [bold]x[/] ADD b int", "[red]x[/] AE")
    proof = replace(PROOF, written=Side((trace(named),)))
    assert "[red]x[/]" in terminal.render(proof, width=120, colour=True)
    tagged = statement("SELECT 1", "<script> AE")
    assert "<script>" not in markdown.render([replace(PROOF, written=Side((trace(tagged),)))])


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_long_names_are_shown_whole(width):
    name = f"orders_{'very_' * 30}long"
    path = f"db/{name}.sql"
    long = statement(f"ALTER TABLE {name} ADD b int", f"{name} AE", path=path)
    fixed = replace(PROOF.fixed, side=Side((trace(long, path=path),)), deploys={})
    proof = replace(PROOF, written=Side((trace(long, path=path),)), path=path, fixed=fixed)
    columns = [
        "".join(line[start:end].strip() for line in text.splitlines())
        for text in [terminal.render(proof, width=width, colour=False)]
        for start, end in ((0, width // 2 - 1), (width // 2, width), (0, width))
    ]
    assert any(path in column for column in columns)
    assert any(f"ALTER TABLE{name}" in column.replace("TABLE ", "TABLE") for column in columns)


def test_the_command_names_the_file_as_the_shell_takes_it():
    from senior_backend.migrations.prove.story import command

    proof = replace(PROOF, path="db/it's odd.sql")
    assert command(proof).endswith(" 'db/it'\"'\"'s odd.sql'")
    path = f"../{'long' * 30}.sql"
    text = terminal.render(PROOF, width=60, colour=False, path=path)
    assert f"\n$ senior-backend migrations plan {path}\n" in text


def test_an_index_that_is_locked_is_named_where_its_table_is_hardly_locked():
    from senior_backend.migrations.lock_model.effect import Lock
    from senior_backend.migrations.prove.facts import facts
    from senior_backend.migrations.prove.seen import Seen
    from senior_backend.migrations.trace.observed import ObservedLock

    attach = statement("ALTER INDEX p ATTACH PARTITION i")
    locks = (
        ObservedLock("orders", "table", Lock.ACCESS_SHARE, ("reads", "writes")),
        ObservedLock("i", "index", Lock.ACCESS_EXCLUSIVE, ("reads", "writes")),
    )
    first = facts(Seen(replace(attach, locks=locks)))[0]
    assert first.text == "ACCESS EXCLUSIVE on i"


@pytest.mark.parametrize("fixed", [PROOF.fixed, None], ids=["fixed", "no fix"])
def test_what_is_to_be_known_of_the_estimates_is_told(fixed):
    proof = replace(PROOF, fixed=fixed, notes=("orders: 4 rows could be made",))
    assert "orders: 4 rows could be made" in terminal.render(proof, width=100, colour=False)
    assert "orders: 4 rows could be made" in markdown.render([proof])
