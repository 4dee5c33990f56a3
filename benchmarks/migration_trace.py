"""`migrations trace` beside eugene's `trace`: cost a statement, and of a start.

Both commands trace the same files on a throw-away PostgreSQL that they make themselves, from the
same programs, in turns. One run of one statement is what a start costs; what more statements take
is the cost of a statement. eugene is built by `cargo install eugene` where it is not given (it
needs libclang). It refuses root, so it runs as an unprivileged user then. Exit code 0 whatever the
results are. 2: bad usage. 3: it could not measure.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

# `python benchmarks/migration_trace.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine
from benchmarks.lint.corpus import cache
from benchmarks.lint.markdown import table
from senior_backend.errors import NotRunError, SeniorBackendError
from senior_backend.postgres.identity import User, server_user
from senior_backend.postgres.installation import Installation, resolve

CRATE = "eugene"
VERSION = "0.8.3"
OURS, THEIRS = "senior-backend", "eugene"
SIZES = (1, 400)
TABLES = 20

SCHEMA = "create table t{n} (id bigint primary key, name varchar(20), total int, at timestamp);"
STATEMENTS = (
    "alter table t{n} add column c{k} int;",
    "alter table t{n} alter column total set default {k};",
    "create index t{n}_i{k} on t{n} (total, at);",
    "alter table t{n} add constraint t{n}_c{k} check (total > {k}) not valid;",
    "alter table t{n} validate constraint t{n}_c{k};",
    "alter table t{n} alter column name type varchar({wide});",
    "comment on table t{n} is '{k}';",
    "drop index t{n}_i{k};",
)
"""In turn, on each table in turn. Nothing that refuses a transaction: eugene cannot trace that."""


@dataclass(frozen=True)
class Run:
    """One command over one folder."""

    tool: str
    statements: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    try:
        installation = resolve(None, options.pg_bin, server_user())
        eugene = options.eugene or built(cache())
        tools = {OURS: _version([options.program, "--version"]), THEIRS: _version([eugene, "-V"])}
        with tempfile.TemporaryDirectory(prefix="migration-trace-") as place:
            folder = Path(place)
            folder.chmod(0o755)
            runs = measure(folder, options.program, eugene, installation, options.rounds)
        text = page(runs, tools, installation)
        print(text)
        if options.write:
            options.write.parent.mkdir(parents=True, exist_ok=True)
            options.write.write_text(text, encoding="utf-8")
    except SeniorBackendError as error:
        print(f"migration_trace: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


# --- Measuring -----------------------------------------------------------------------------------


def lay_out(folder: Path, statements: int) -> None:
    """Numbered files as both tools read them: the tables, then eight statements a file."""
    folder.mkdir(mode=0o755)
    made = "\n".join(SCHEMA.format(n=n) for n in range(TABLES))
    (folder / "V1__tables.sql").write_text(made + "\n")
    every = [
        STATEMENTS[at % len(STATEMENTS)].format(
            n=at // len(STATEMENTS) % TABLES, k=at // len(STATEMENTS), wide=21 + at
        )
        for at in range(statements)
    ]
    for number, start in enumerate(range(0, statements, len(STATEMENTS)), start=2):
        part = every[start : start + len(STATEMENTS)]
        (folder / f"V{number}__change.sql").write_text("\n".join(part) + "\n")


def measure(
    place: Path, program: Path, eugene: Path, installation: Installation, rounds: int
) -> list[Run]:
    """Both tools in turn over each folder; the first round only warms caches."""
    user = server_user()
    runs = []
    for size in SIZES:
        lay_out(place / str(size), size)
    # Where it was built, root's folders may keep the user out that it runs as.
    eugene = Path(shutil.copy(eugene, place / CRATE))
    eugene.chmod(0o755)
    home = place / "home"
    home.mkdir()
    if user is not None:
        os.chown(home, user.uid, user.gid)
    for number in range(rounds + 1):
        for size in SIZES:
            db = place / str(size)
            turns = [
                (OURS, _ours(program, installation), None),
                (THEIRS, [str(eugene), "trace", "-a", "-f", "json"], user),
            ]
            for tool, command, who in turns if number % 2 else turns[::-1]:
                run = _timed(tool, size, [*command, str(db)], installation, home, who)
                if number:
                    runs.append(run)
                    say(f"{tool} {size}: {run.seconds:.2f} s")
    return runs


def _ours(program: Path, installation: Installation) -> list[str]:
    bin_dir = str(installation.bin_dir)
    return [str(program), "migrations", "trace", "--format", "json", "--pg-bin", bin_dir]


def _timed(
    tool: str,
    size: int,
    command: Sequence[str],
    installation: Installation,
    home: Path,
    user: User | None,
) -> Run:
    environment = dict(os.environ)
    if tool == THEIRS:
        path = f"{installation.bin_dir}{os.pathsep}{os.defpath}"
        environment = {"PATH": path, "HOME": str(home), "TMPDIR": str(home), "LC_ALL": "C"}
        environment["PGPASS"] = "postgres"
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=home,
        env=environment,
        capture_output=True,
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
    )
    seconds = time.perf_counter() - began
    traced = _traced(done.stdout)
    if done.returncode or traced < size:
        last = done.stderr.decode(errors="replace").strip().splitlines() or ["it traced too little"]
        raise NotRunError(f"{tool} ended with {done.returncode}, {traced} statements: {last[-1]}")
    return Run(tool, size, seconds)


def _traced(output: bytes) -> int:
    """Statements in the output of either: documents one after another, statements somewhere."""
    text, decoder, at, found = output.decode(errors="replace"), json.JSONDecoder(), 0, 0
    while (at := text.find("{", at)) >= 0:
        document, at = decoder.raw_decode(text, at)
        parts = document.get("migrations") or [document]
        found += sum(len(part.get("statements", ())) for part in parts)
    return found


# --- The rival -----------------------------------------------------------------------------------


def built(directory: Path) -> Path:
    """eugene from its published crate; raises ``NotRunError`` when it cannot be built."""
    place = directory / f"{CRATE}-{VERSION}"
    program = place / "bin" / CRATE
    if not program.exists():
        cargo = shutil.which("cargo")
        if cargo is None:
            raise NotRunError(f"no cargo to build {CRATE} with: install Rust, or use --eugene FILE")
        command = [cargo, "install", CRATE, "--version", VERSION, "--locked", "--root", str(place)]
        say(f"building {CRATE} {VERSION}: some minutes")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            wanted = next((x for x in done.stderr.splitlines() if "libclang" in x), "")
            hint = ": it needs libclang (apt install libclang-dev)" if wanted else ""
            raise NotRunError(f"{CRATE} {VERSION} could not be built{hint}")
    return program


def _version(command: Sequence[str | Path]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRunError(f"{command[0]} does not run: {error}") from None
    return done.stdout.split()[-1]


# --- The page ------------------------------------------------------------------------------------


def page(runs: Sequence[Run], tools: Mapping[str, str], installation: Installation) -> str:
    """What was measured, in Markdown."""
    few, many = SIZES
    start = {tool: _of(runs, tool, few) for tool in tools}
    each = {
        tool: [
            (b - a) / (many - few) * 1000
            for a, b in zip(_of(runs, tool, few), _of(runs, tool, many), strict=True)
        ]
        for tool in tools
    }
    rows = []
    for what, unit, values in (
        ("a start, with one statement traced", "s", start),
        ("each further statement", "ms", each),
    ):
        for tool, version in tools.items():
            ratio = [a / b for a, b in zip(values[tool], values[THEIRS], strict=True) if b > 0]
            shown = f"{median(values[tool]):.2f} {unit}"
            spread = f"{min(values[tool]):.2f} to {max(values[tool]):.2f}"
            of = f"{median(ratio):.2f}" if ratio else "-"
            rows.append((what, f"{tool} {version}", shown, spread, of))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    rounds = len(start[OURS])
    return "\n\n".join(
        [
            "# Tracing migrations, measured",
            (
                "Written by `python benchmarks/migration_trace.py --write "
                f"docs/benchmarks/migration_trace.md` on {datetime.now(UTC).date()}."
            ),
            (
                f"`senior-backend migrations trace` and `eugene trace` over the same {many} "
                f"statements in files of {len(STATEMENTS)} on {TABLES} tables, each on a server "
                f"that it starts and throws away, PostgreSQL {installation.version} from the same "
                f"folder. {rounds} rounds in turns; medians, and the lowest and the highest. The "
                "ratios are medians of the rounds' own, eugene = 1: below 1 is less."
            ),
            table(("cost of", "tool", "median", "lowest to highest", "eugene = 1"), rows, 2),
            (
                f"{os.cpu_count()} processors ({machine.processor_model()}); load average when it "
                f"was done {load} (1, 5 and 15 minutes)."
                + (" It was busy with other work: only the ratios say something." if busy else "")
            ),
            "## What it is for",
            table(
                ("seen of a statement", OURS, THEIRS),
                [
                    ("locks on tables that were there before", "yes", "yes"),
                    ("locks of CONCURRENTLY, VACUUM and what else refuses a transaction", "yes",
                     "no"),
                    ("what waits", "tried by a second session", "from a table of lock modes"),
                    ("rewrites", "yes", "yes"),
                    ("tables read in full", "yes", "no"),
                    ("index builds", "yes, by table", "new indexes"),
                    ("WAL written", "yes", "no"),
                    ("the tool's own transactions", "yes", "one a file"),
                ],
                3,
            ),
        ]
    ) + "\n"  # fmt: skip


def _of(runs: Sequence[Run], tool: str, size: int) -> list[float]:
    return [one.seconds for one in runs if one.tool == tool and one.statements == size]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="migration_trace.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--eugene", type=Path, metavar="FILE", help="do not build it")
    parser.add_argument(
        "--program",
        type=Path,
        metavar="FILE",
        default=Path(sys.executable).with_name("senior-backend"),
        help="our command, to measure",
    )
    parser.add_argument("--pg-bin", type=Path, metavar="DIR", help="PostgreSQL's programs")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="(%(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the page")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    return options


def say(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
