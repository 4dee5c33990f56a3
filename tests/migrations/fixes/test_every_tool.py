"""What is written for each rule's bad example runs as every tool runs it, and ends as it should.

Tools that would run the same statements in the same transactions are one to the server: they are
run once. `test_verified` proves more, of one tool for each case.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from senior_backend import sql
from senior_backend.migrations.rollback.comparing.snapshot import take_in
from senior_backend.migrations.trace.observing.tracer import Tracer
from senior_backend.sources.migration import Folder
from tests.migrations import apply
from tests.migrations.conftest import Repository
from tests.migrations.fixes.bench import QUIET, Bench, unsaid
from tests.migrations.fixes.cases import Case
from tests.migrations.fixes.forms import FORMS
from tests.migrations.fixes.proofs import as_written, examples, rewrite


@pytest.mark.verify
@pytest.mark.parametrize(
    ("own", "case"), [pytest.param(*found, id=found[1].name) for found in examples()]
)
def test_every_tool_runs_what_is_written(
    tmp_path: Path, bench: Bench, own: str, case: Case
) -> None:
    made = Repository(tmp_path)
    made.git("init", "-q", "-b", "main")
    tools = sorted(FORMS, key=lambda tool: tool != own)
    for tool in tools:
        files = FORMS[tool](case.up, case.down, case.setup, "SELECT 1;\n")
        made.write({f"{tool}/{name}": text for name, text in files.items()})
    before = {tool: apply.folder(tmp_path / tool) for tool in tools}
    end = None if case.fails else as_written(bench, before[own], case)[0]
    rewrite(made, case)
    _list(tmp_path / "drizzle/drizzle")
    seen: set[object] = set()
    for tool in tools:
        after = apply.folder(tmp_path / tool)
        shape = tuple(_shape(after))
        if tool == own:
            assert shape != tuple(_shape(before[tool])), "nothing is offered"
        elif shape in seen or not _is_offered(before[tool], after):
            continue
        seen.add(shape)
        _run(bench, after, tool, case)
        if end is not None:
            assert unsaid(end, take_in(bench.session), case.staged) == [], tool


def _is_offered(before: Folder, after: Folder) -> bool:
    """More than a lock_timeout, which is right for what fails as well."""
    first, then = (
        [text for part in _shape(folder) for text in part if not _LOCK_TIMEOUT.match(text)]
        for folder in (before, after)
    )
    return first != then


_LOCK_TIMEOUT = re.compile(r"SET (LOCAL )?lock_timeout")


def _run(bench: Bench, folder: Folder, tool: str, case: Case) -> None:
    first, *following = folder.migrations
    bench.begin(first)
    with Tracer(bench.url, QUIET) as tracer:
        for number, migration in enumerate(following):
            assert tracer.apply(migration) is None, tool
            if case.between and not number:
                with psycopg.connect(bench.url, autocommit=True) as connection:
                    connection.execute(case.between.encode())


def _shape(folder: Folder) -> Iterator[tuple[str, ...]]:
    """What the server gets of all but the first: each transaction's kind, and its statements."""
    for migration in folder.migrations[1:]:
        for segment in migration.up:
            script = sql.read(segment.text)
            yield segment.transaction, *(statement.sql for statement in script.statements)
        yield ()


def _list(folder: Path) -> None:
    """In the journal, as the remark says: Drizzle runs nothing else."""
    journal = folder / "meta/_journal.json"
    document = json.loads(journal.read_text())
    tags = sorted(path.stem for path in folder.glob("*.sql"))
    document["entries"] = [{"idx": n, "when": n, "tag": tag} for n, tag in enumerate(tags)]
    journal.write_text(json.dumps(document))
