"""Whatever kind of object a migration changes and its down leaves behind is named; nothing else."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from senior_backend.errors import NotRunError
from senior_backend.migrations.rollback.comparing import catalogs
from senior_backend.migrations.rollback.comparing.compare import (
    Difference,
    differences,
    only_physical,
)
from senior_backend.migrations.rollback.comparing.snapshot import Snapshot, take_in
from senior_backend.postgres import Databases, start
from senior_backend.postgres.session import Session
from tests.migrations.rollback.pairs import FURTHER, LEFT, PROTOTYPES, SETUP, UNDONE, Pair

MAJORS = (14, 15, 16, 17, 18)
AT_ONCE = 6


class Shop:
    """The schema of the pairs, in a transaction that is never committed: it makes roles as well."""

    def __init__(self, session: Session, major: int) -> None:
        self.session = session
        self.major = major
        session.execute("begin")
        session.execute(SETUP)
        session.execute("savepoint shop")
        self.before = self.now()
        session.execute("rollback to shop")

    def now(self) -> Snapshot:
        """Roles and their settings included."""
        return take_in(self.session, cluster=True)

    def after(self, *pairs: Pair) -> tuple[Difference, ...]:
        """What differs when they have run."""
        try:
            for pair in pairs:
                self.session.execute(pair.up)
                self.session.execute(pair.down or "select")
            return differences(self.before, self.now())
        finally:
            self.session.execute("rollback to shop")

    def complaint(self, pair: Pair) -> str:
        """What is wrong with what is said after a pair; empty when nothing is."""
        try:
            found = self.after(pair)
        except NotRunError as error:  # the pair itself is at fault
            return f"{pair.name}: {error}"
        said = [str(one) for one in found]
        if not pair.said:
            return f"{pair.name}: {'; '.join(said)}" if said else ""
        if not any(one.startswith(pair.said) for one in said):
            return f"{pair.name}: {pair.said!r} is not in {said}"
        if only_physical(found) != pair.physical:
            return f"{pair.name}: physical is {not pair.physical}: {said}"
        return ""

    def complaints(self, pairs: Iterable[Pair]) -> list[str]:
        """Of those that this major can run."""
        return [complaint for complaint in map(self.complaint, self.asked(pairs)) if complaint]

    def asked(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Those that this major can run."""
        return [pair for pair in pairs if pair.since <= self.major <= pair.until]

    def complaints_of_several(self, pairs: Iterable[Pair]) -> list[str]:
        """The same, faster: several pairs before one look; alone where one fails."""
        asked, complaints = self.asked(pairs), []
        for first in range(0, len(asked), AT_ONCE):
            several = asked[first : first + AT_ONCE]
            try:
                said = [str(one) for one in self.after(*several)]
            except NotRunError:
                said = []
            complaints += self.complaints(
                pair for pair in several if not any(one.startswith(pair.said) for one in said)
            )
        return complaints


@contextmanager
def shop_on(session: Session) -> Iterator[Shop]:
    major = session.connection.info.server_version // 10000
    try:
        yield Shop(session, major)
    finally:
        session.execute("rollback")


@pytest.fixture(scope="module")
def shop(postgres_server: Databases) -> Iterator[Shop]:
    url = postgres_server.create_database()
    with Session(url) as session, shop_on(session) as made:
        yield made
    postgres_server.drop_database(url)


def test_a_schema_is_as_it_is(shop: Shop):
    assert shop.after() == ()


@pytest.mark.parametrize("pair", PROTOTYPES[::6], ids=lambda pair: pair.name)
def test_what_is_left_behind_is_named(shop: Shop, pair: Pair):
    assert shop.complaint(pair) == ""


def test_what_is_undone_leaves_no_difference(shop: Shop):
    asked = [pair for pair in UNDONE if pair.since <= shop.major]
    assert shop.after(*asked) == () or shop.complaints(asked) == []


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", MAJORS)
def test_no_number_that_the_server_gives_is_compared_as_it_is(major: int):
    with start(pg=major) as server, server.session() as session:
        structure = session.execute(catalogs.STRUCTURE)
    types = {(table, column): type_ for table, column, type_, *_ in structure}
    numbers = ("oid", "oid[]", "oidvector", "regproc", "xid", "int2vector", "smallint[]")
    raw = [
        f"{one.name}.{column.name}"
        for one in catalogs.catalogs(structure, cluster=True)
        for column in one.columns
        if types.get((one.name, column.name)) in numbers
        and column.reading == "text"
        and column.name not in one.key
        and column.name != "indoption"  # flags
    ]
    assert raw == []


NEWEST = max(MAJORS)


def _share(pairs: Iterable[Pair], major: int) -> list[Pair]:
    """Of the pairs an older major's part: the newest runs all, so each runs on two."""
    return [pair for at, pair in enumerate(pairs) if _older_of(pair, at) == major]


def _older_of(pair: Pair, at: int) -> int | None:
    """Which older major a pair runs on, by its place: one of those that know it."""
    able = [one for one in MAJORS if one != NEWEST and pair.since <= one <= pair.until]
    return able[at % len(able)] if able else None


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", MAJORS)
def test_on_every_major_all_that_is_left_is_named_and_nothing_else(major: int):
    left = [pair for pair in (*PROTOTYPES, *LEFT, *FURTHER) if pair.said]
    undone = [*UNDONE, *(pair for pair in PROTOTYPES if not pair.said)]
    with start(pg=major) as server, server.session() as session, shop_on(session) as shop:
        if major == NEWEST:
            assert shop.complaints(left) == []
        else:
            assert shop.complaints_of_several(_share(left, major)) == []
        assert [str(one) for one in shop.after(*shop.asked(undone))] == []


def test_every_pair_runs_on_an_older_major_too():
    pairs = [*PROTOTYPES, *LEFT, *FURTHER]
    shared = [pair for major in MAJORS[:-1] for pair in _share(pairs, major)]
    assert len(shared) == len({id(pair) for pair in shared})
    assert {pair.name for pair in pairs} - {pair.name for pair in shared} == {
        pair.name for pair in pairs if pair.since > MAJORS[-2] or pair.until < MAJORS[0]
    }
