"""Being watched changes nothing: a traced migration ends as the same one unwatched.

``SEED=...`` draws other migrations.
"""

import os
import random
from pathlib import Path

import pytest

from senior_backend.migrations.rollback.comparing.compare import differences
from senior_backend.migrations.rollback.comparing.snapshot import take
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.postgres import Databases, start
from senior_backend.sources.migration import Migration, Transaction
from tests.migrations.trace.traced import migration, prepare

SEED = os.environ.get("SEED") or "1"
MODEL = Path(__file__).parents[1] / "lock_model"
SCHEMA = (MODEL / "live.sql").read_text()
STATEMENTS = [
    line.removesuffix(";")
    for line in (MODEL / "live_cases.sql").read_text().splitlines()
    if line and not line.startswith("--") and " role " not in line  # roles are the server's
]
MODELS: list[Transaction] = ["file", "implicit", "statement"]
FRAMES = [
    "{}",
    "{}; {}",
    "set lock_timeout = '1s'; {}; {}",
    "begin; {}; commit; {}",
    "savepoint s; {}; rollback to s; {}",
    "do $do$ begin execute $x${}$x$; end $do$; {}",
    "select count(*) from pg_class; {}",
]


def some_migration(draw: random.Random) -> Migration:
    frame = draw.choice(FRAMES)
    statements = draw.sample(STATEMENTS, frame.count("{}"))
    return migration(frame.format(*statements), transaction=draw.choice(MODELS))


def rounds(server: Databases, seed: str, count: int, each: int) -> None:
    """Random migrations on two databases, one watched: the same errors, the same catalog."""
    draw = random.Random(seed)
    settings = Settings(statement_timeout_s=20)
    for _ in range(count):
        urls = server.create_database(), server.create_database()
        with Tracer(urls[0], settings) as watched, Tracer(urls[1], settings) as unwatched:
            for tracer in (watched, unwatched):
                prepare(tracer, SCHEMA)
            told = []
            for _ in range(each):
                change = some_migration(draw)
                told.append(change.up[0].text.data.decode())
                failed = watched.trace(change).failed
                problem = unwatched.apply(change)
                assert (failed.error if failed else None) == (
                    problem.reason if problem else None
                ), (seed, told[-1])
        assert [str(one) for one in differences(take(urls[0]), take(urls[1]))] == [], (seed, told)
        for url in urls:
            server.drop_database(url)


def test_a_watched_migration_ends_as_an_unwatched_one(postgres_server: Databases):
    rounds(postgres_server, SEED, count=1, each=6)


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", range(14, 19))
def test_on_every_major_as_well(major: int):
    with start(pg=major) as server:
        rounds(server, f"{SEED} {major}", count=6, each=12)
