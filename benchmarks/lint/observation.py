"""What PostgreSQL does with a few statements: locks, rewrites, scans, index builds, failures.

The statements come without their schema, so it is made as the server asks for it: each object that
it misses is created, with a row in each table, and all is tried again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.lint.statements import pieces
from senior_backend.errors import NotRunError
from senior_backend.postgres import Databases, Session
from senior_backend.postgres.session import StatementError

ATTEMPTS = 25
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
LOCKS = """
select c.relname, l.mode from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation' and c.relkind in ('r', 'p', 'm', 'v')
  and c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
"""
WORK = re.compile(r"(rewriting|verifying|validating|building index) [^\"]*\"(?!pg_toast)([^\"]+)\"")
CONTROL = re.compile(r"(begin|start|commit|end|rollback)\b", re.IGNORECASE)
MISSING: dict[str, str] = {
    r'constraint "(\w+)" of domain "(\w+)" does not exist': (
        'alter domain "{1}" add constraint "{0}" check (value > 0) not valid'
    ),
    r'"?(\w+)"? is not a domain': 'create domain "{0}" as int',
    r'"(\w+)" is not a sequence': 'create sequence "{0}"',
    r'"(\w+)" is not a materialized view': 'create materialized view "{0}" as select 1 as id',
    r'relation "(\w+)\.(\w+)" does not exist': 'create table "{0}"."{1}" (id int)',
    r'schema "(\w+)" does not exist': 'create schema "{0}"',
    r'type "(\w+)" does not exist': "create type \"{0}\" as enum ('one')",
    r'index "(\w+)" does not exist': 'create unique index "{0}" on {table} (id)',
    r'materialized view "(\w+)" does not': 'create materialized view "{0}" as select 1',
    r'view "(\w+)" does not exist': 'create view "{0}" as select 1',
    r'sequence "(\w+)" does not exist': 'create sequence "{0}"',
    r'constraint "(\w+)" of relation "(\w+)" does not exist': (
        'alter table "{1}" add constraint "{0}" check (id is not null) not valid'
    ),
    r'column "(\w+)" of relation "(\w+)" does not exist': (
        'alter table "{1}" add column "{0}" int default 1'
    ),
    r'column "(\w+)" referenced in foreign key constraint does not exist': (
        'alter table {table} add column "{0}" int unique default 1'
    ),
    r'column "(\w+)"(?: named in key)? does not exist': (
        'alter table {table} add column "{0}" int default 1'
    ),
    r'relation "(\w+)" does not exist': 'create table "{0}" (id int)',
    r'table "(\w+)" does not exist': 'create table "{0}" (id int)',
}
"""What a failure says is missing, and how to make it; the first that fits."""


@dataclass(frozen=True)
class Seen:
    """What one statement did. Locks are on relations, the strongest on each."""

    sql: str
    locks: dict[str, str]
    work: tuple[str, ...]
    failure: str | None = None
    alone: bool = False
    """It refuses a transaction block, so its locks were gone before they could be read."""

    def __str__(self) -> str:
        if self.failure:
            return f"fails: {self.failure}"
        if self.alone:
            return "; ".join(["outside a transaction block", *self.work])
        locks = [f"{mode} on {name}" for name, mode in self.locks.items()]
        return "; ".join([*locks, *self.work]) or "no lock of a relation"


def observe(databases: Databases, sql: str) -> list[Seen]:
    """Run the statements in a new database; raises ``NotRunError`` when they cannot be split."""
    statements = pieces(sql)
    if statements is None:
        raise NotRunError("PostgreSQL's scanner does not get through it")
    prepared: list[str] = []
    seen: list[Seen] = []
    for _ in range(ATTEMPTS):
        with Session(databases.create_database()) as session:
            try:
                for statement in prepared:
                    session.execute(statement)
            except StatementError:
                break
            seen = _run(session, [piece.sql for piece in statements])
        mended = _mend(seen)
        if mended is None or mended in prepared:
            break
        prepared = [one for one in prepared if _made(one) is None or _made(one) != _made(mended)]
        prepared += [mended, *_row(mended)]
    return seen


def _run(session: Session, statements: Sequence[str]) -> list[Seen]:
    notices: list[str] = []
    session.connection.add_notice_handler(lambda one: notices.append(one.message_primary or ""))
    session.execute("set client_min_messages = debug1")
    existing = {name for (name,) in session.execute("select relname from pg_class")}
    seen = []
    in_block = False
    for statement in statements:
        notices.clear()
        own = not in_block and not CONTROL.match(statement)
        try:
            if own:
                session.execute("begin")
            locks = _locks(session, statement, existing)
            if own:
                session.execute("commit")
        except StatementError as error:
            if own or in_block:
                session.execute("rollback")
            if error.sqlstate == "25001" and own:
                seen.append(_alone(session, statement, notices))
                continue
            seen.append(Seen(statement, {}, (), str(error)))
            if in_block:
                break
            continue
        in_block = session.connection.info.transaction_status.name == "INTRANS"
        seen.append(Seen(statement, locks, _work(notices)))
    return seen


def _locks(session: Session, statement: str, existing: set[str]) -> dict[str, str]:
    session.execute(statement)
    strongest: dict[str, str] = {}
    for name, mode in session.execute(LOCKS):
        if name in existing and MODES.index(mode) > 0:
            known = strongest.get(name, MODES[0])
            strongest[name] = max(known, mode, key=MODES.index)
    return {name: mode.removesuffix("Lock") for name, mode in strongest.items()}


def _alone(session: Session, statement: str, notices: list[str]) -> Seen:
    notices.clear()
    try:
        session.execute(statement)
    except StatementError as error:
        return Seen(statement, {}, (), str(error), alone=True)
    return Seen(statement, {}, _work(notices), alone=True)


def _work(notices: Sequence[str]) -> tuple[str, ...]:
    found = (WORK.match(one) for one in notices)
    return tuple(dict.fromkeys(f"{one[1]} {one[2]}" for one in found if one))


def _mend(seen: Sequence[Seen]) -> str | None:
    """The statement that makes what the first failure misses."""
    for one in seen:
        if one.failure is None:
            continue
        for pattern, template in MISSING.items():
            if match := re.search(pattern, one.failure):
                return _filled(template, match, one.sql)
        return None
    return None


def _filled(template: str, match: re.Match[str], sql: str) -> str:
    table = re.search(r"(?:table|on|update|into)\s+(?:only\s+)?\"?([\w.]+)\"?", sql, re.IGNORECASE)
    return template.format(*match.groups(), table=table[1] if table else "t")


def _made(statement: str) -> str | None:
    """The name of what a statement creates, or gives a row."""
    match = re.match(r'(?:create [a-z ]+|insert into )"(\w+)"', statement)
    return match[1] if match else None


def _row(statement: str) -> list[str]:
    """A row for a table, and a table with a row for a domain."""
    if created := re.match(r"create table (\S+)", statement):
        return [f"insert into {created[1]} default values"]
    if created := re.match(r'create domain "(\w+)"', statement):
        name = f"of_{created[1]}"
        return [f'create table {name} (a "{created[1]}")', f"insert into {name} values (1)"]
    return []
