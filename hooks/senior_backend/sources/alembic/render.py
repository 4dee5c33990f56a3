"""What Alembic itself says that revisions run: ``alembic upgrade FROM:TO --sql``.

The revisions' own Python runs for this, in the project's environment. A few lines put around
Alembic say from which line of a revision each statement comes, and refuse every connection.
"""

import json
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Literal

from senior_backend.errors import NotRunError
from senior_backend.sources.alembic.configuration import configuration
from senior_backend.sources.alembic.folder import revisions_of
from senior_backend.sources.alembic.functions import ADVICE
from senior_backend.sources.alembic.revision import Revision
from senior_backend.sources.alembic.values import derived
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, Migration, NotRead, Segment, Transaction

TIMEOUT_S: Final = 300

# Runs in the user's interpreter. Each statement becomes one line of JSON on standard output:
# which job, the line of the revision file, the SQL. What the revisions print goes to nowhere.
_PROGRAM: Final = """
import io, json, os, sys
from alembic import command
from alembic.config import Config
from alembic.ddl.impl import DefaultImpl
from sqlalchemy.engine import Engine

ini, jobs = sys.argv[1], json.load(sys.stdin)
answers, sys.stdout = sys.stdout, io.StringIO()
current = {}

def say(**what):
    answers.write(json.dumps(what) + "\\n")

def static_output(self, text):
    frame, line = sys._getframe(), 0
    while frame is not None:
        if os.path.realpath(frame.f_code.co_filename) == current["file"]:
            line = line or frame.f_lineno
        frame = frame.f_back
    say(job=current["job"], line=line, sql=text)

def connect(self, *arguments, **options):
    raise RuntimeError("env.py connects without asking context.is_offline_mode()")

DefaultImpl.static_output = static_output
Engine.connect = Engine.raw_connection = connect
for number, (way, span, file) in enumerate(jobs):
    current.update(job=number, file=os.path.realpath(file))
    try:
        run = command.upgrade if way == "upgrade" else command.downgrade
        run(Config(ini, output_buffer=io.StringIO()), span, sql=True)
        say(job=number, done=True)
    except BaseException as error:
        say(job=number, failed=(str(error).splitlines() or [type(error).__name__])[0])
"""

Way = Literal["upgrade", "downgrade"]


def render(
    folder: Folder, python: Sequence[str] = ("python",), versions: Collection[str] | None = None
) -> Folder:
    """``folder`` with what Alembic renders in place of what could not be read.

    ``python`` is the command of the interpreter that has the project's dependencies. ``versions``
    are the revisions to render; by default those with a place that could not be read.

    Raises:
        NotRunError: the folder has no ``alembic.ini``, or Alembic does not start.
    """
    directory = Directory(str(folder.root), ".")
    settings = configuration(directory)
    if settings.ini is None:
        raise NotRunError(f"{folder.root}: no alembic.ini names this folder; --render needs one")
    wanted = {
        migration.version
        for migration in folder.migrations
        if (migration.not_read if versions is None else migration.version in versions)
    }
    jobs: list[tuple[Way, Revision]] = []
    refused: dict[str, str] = {}
    for revision in revisions_of(directory)[0]:
        if revision.id in wanted:
            if len(revision.down) > 1:
                refused[revision.id] = "a merge of branches cannot be rendered alone"
                continue
            jobs.append(("upgrade", revision))
            if "downgrade" in revision.functions:
                jobs.append(("downgrade", revision))
    if not wanted:
        return folder
    answers = _run(settings.ini.as_posix(), jobs, python)
    return replace(
        folder,
        migrations=tuple(
            _rendered(migration, jobs, answers, refused)
            if migration.version in wanted
            else migration
            for migration in folder.migrations
        ),
    )


def _span(way: Way, revision: Revision) -> str:
    before = revision.down[0] if revision.down else "base"
    return f"{before}:{revision.id}" if way == "upgrade" else f"{revision.id}:{before}"


def _run(
    ini: str, jobs: Sequence[tuple[Way, Revision]], python: Sequence[str]
) -> list[dict[str, object]]:
    asked = [
        (way, _span(way, revision), revision.directory.path_of(revision.file))
        for way, revision in jobs
    ]
    try:
        done = subprocess.run(
            [*python, "-c", _PROGRAM, ini],
            input=json.dumps(asked),
            cwd=ini.rsplit("/", 1)[0],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise NotRunError(
            f"{python[0]} is not installed; name the project's interpreter for --render"
        ) from None
    except subprocess.TimeoutExpired:
        raise NotRunError(f"Alembic did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise NotRunError(f"Alembic could not be asked ({' '.join(python)}): {lines[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _rendered(
    migration: Migration,
    jobs: Sequence[tuple[Way, Revision]],
    answers: Sequence[dict[str, object]],
    refused: dict[str, str],
) -> Migration:
    not_read: list[NotRead] = []
    if migration.version in refused:
        not_read.append(NotRead(migration.path, 1, refused[migration.version]))
    found: dict[Way, tuple[Segment, ...]] = {}
    for number, (way, revision) in enumerate(jobs):
        if revision.id != migration.version:
            continue
        own = [answer for answer in answers if answer["job"] == number]
        failed = next((str(answer["failed"]) for answer in own if "failed" in answer), None)
        if failed:
            line = revision.functions[way].lineno if way in revision.functions else 1
            reason = f"Alembic could not render its {way}: {failed}"
            not_read.append(NotRead(migration.path, line, reason))
        else:
            found[way] = _segments(migration, own)
    kept = () if found.get("upgrade") is not None and not not_read else migration.not_read
    return replace(
        migration,
        up=found.get("upgrade", migration.up),
        down=found.get("downgrade", migration.down),
        not_read=(*(_without_advice(item) for item in kept), *not_read),
    )


def _without_advice(item: NotRead) -> NotRead:
    return replace(item, reason=item.reason.removesuffix(f"; {ADVICE}"))


def _segments(migration: Migration, answers: Sequence[dict[str, object]]) -> tuple[Segment, ...]:
    """Statements of the revision's own: those with a line in its file.

    COMMIT and BEGIN around an ``autocommit_block`` say which of them run on their own.
    """
    model: Transaction = next(
        (segment.transaction for segment in migration.up if segment.transaction != "statement"),
        "file",
    )
    segments: list[Segment] = []
    alone: Transaction = "statement"
    inside = True
    for answer in answers:
        sql = str(answer.get("sql", ""))
        line = int(str(answer.get("line", 0)))
        if sql.rstrip(";\n ") in ("COMMIT", "BEGIN"):
            inside = sql.startswith("BEGIN")
        elif line and sql.strip():
            places = [(part, line) for part in sql.split("\n")]
            segments.append(Segment(derived(migration.path, places), model if inside else alone))
    return tuple(segments)
