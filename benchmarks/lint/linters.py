"""The linters that are compared, each called as its users call it."""

import json
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.lint.manifest import Manifest, Vocabulary
from senior_backend.errors import NotRunError

OURS = "senior-backend"
SQUAWK = "squawk"
SAFEMIGRATE = "safemigrate-lint"

SETTINGS = "senior-backend.toml"
TRANSACTION = """\
[[migrations.overrides]]
path = "."
transaction = "{}"
"""

# A command line may have 2 MB; a path in these folders is below 300 bytes.
PATHS_A_CALL = 5_000


@dataclass(frozen=True)
class Found:
    """One finding. Lines count from 1. ``counted``: a hazard, and not a habit or a taste."""

    path: str
    line: int
    end_line: int
    rule: str
    counted: bool
    message: str


@dataclass(frozen=True)
class Linted:
    """What one call said."""

    findings: tuple[Found, ...]
    not_analyzed: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """How the files will be run, as far as a linter can be told; None where nothing is said."""

    in_transaction: bool | None = None
    major: int | None = None
    rows: tuple[tuple[str, int], ...] = ()
    """Rows by table."""
    schema: Path | None = None
    """A dump of the schema before the files."""
    cached: bool = False
    """Whether an answer from a cache will do."""


class Linter(Protocol):
    """One tool."""

    name: str
    vocabulary: Vocabulary

    def version(self) -> str:
        """As it says itself."""
        ...

    def command(self, paths: Sequence[str], setting: Setting) -> list[str]:
        """The command line for these paths."""
        ...

    def lint(self, paths: Sequence[str], directory: Path, setting: Setting = Setting()) -> Linted:
        """What it finds in the paths, called in ``directory``; raises ``NotRunError``."""
        ...


class Ours:
    """This package's command."""

    name = OURS

    def __init__(self, vocabulary: Vocabulary, program: Path | None = None) -> None:
        self.vocabulary = vocabulary
        self.program = program or Path(sys.executable).with_name("senior-backend")

    def version(self) -> str:
        """As it says itself."""
        return _output([str(self.program), "--version"]).split()[-1]

    def command(self, paths: Sequence[str], setting: Setting) -> list[str]:
        """The command line for these paths."""
        options = ["--pg", str(setting.major)] if setting.major else []
        options += [f"--rows={table}={count}" for table, count in setting.rows]
        options += [f"--schema={setting.schema}"] if setting.schema else []
        options += [] if setting.cached else ["--no-cache"]
        return [str(self.program), "migrations", "lint", "--format", "json", *options, *paths]

    def lint(self, paths: Sequence[str], directory: Path, setting: Setting = Setting()) -> Linted:
        """What it finds in the paths, called in ``directory``; raises ``NotRunError``.

        How a tool runs a file is said in the settings, so those are written there.
        """
        if setting.in_transaction is not None:
            transaction = "file" if setting.in_transaction else "statement"
            (directory / SETTINGS).write_text(TRANSACTION.format(transaction))
        data = _json(self.command(paths, setting), directory)
        return Linted(
            findings=tuple(
                Found(
                    path=one["path"],
                    line=one["line"],
                    end_line=one.get("end_line") or one["line"],
                    rule=one["rule"],
                    counted=one["class"] == "gate",
                    message=one["message"],
                )
                for one in data["findings"]
                if not one.get("suppressed")
            ),
            not_analyzed=tuple(
                f"{one['path']}:{one['line']}: {one['reason']}" for one in data["not_analyzed"]
            ),
            summary=data["summary"],
        )


class Squawk:
    """squawk, from the wheel of its authors."""

    name = SQUAWK

    def __init__(self, vocabulary: Vocabulary, program: Path) -> None:
        self.vocabulary = vocabulary
        self.program = program

    def version(self) -> str:
        """As it says itself."""
        return _output([str(self.program), "--version"]).split()[-1]

    def command(self, paths: Sequence[str], setting: Setting) -> list[str]:
        """The command line for these paths."""
        options = [f"--pg-version={setting.major}.0"] if setting.major else []
        options += ["--assume-in-transaction"] if setting.in_transaction else []
        return [str(self.program), "--reporter", "json", *options, *paths]

    def lint(self, paths: Sequence[str], directory: Path, setting: Setting = Setting()) -> Linted:
        """What it finds in the paths, called in ``directory``; raises ``NotRunError``.

        Its JSON counts lines from 0. It takes paths for patterns.
        """
        findings = []
        for part in _parts(paths):
            for one in _json(self.command([_literal(path) for path in part], setting), directory):
                rule = one["rule_name"]
                findings.append(
                    Found(
                        path=one["file"],
                        line=one["line"] + 1,
                        end_line=one.get("line_end", one["line"]) + 1,
                        rule=rule,
                        counted=rule not in self.vocabulary.not_counted,
                        message=one["message"],
                    )
                )
        return Linted(tuple(findings))


class Safemigrate:
    """safemigrate-lint, from PyPI."""

    name = SAFEMIGRATE

    def __init__(self, vocabulary: Vocabulary, program: Path) -> None:
        self.vocabulary = vocabulary
        self.program = program

    def version(self) -> str:
        """As its environment says: it has no --version."""
        python = self.program.with_name("python")
        script = f"from importlib.metadata import version; print(version({self.name!r}))"
        return _output([str(python), "-c", script]).strip()

    def command(self, paths: Sequence[str], setting: Setting) -> list[str]:
        """The command line for these paths; it can be told nothing."""
        _ = setting
        options = ["--severity", "critical,warning,style", "--format", "json"]
        return [str(self.program), *options, *paths]

    def lint(self, paths: Sequence[str], directory: Path, setting: Setting = Setting()) -> Linted:
        """What it finds in the paths, called in ``directory``; raises ``NotRunError``."""
        findings = []
        for part in _parts(paths):
            for one in _json(self.command(part, setting), directory):
                rule = one["rule_id"]
                findings.append(
                    Found(
                        path=one["file"],
                        line=one["line"],
                        end_line=one["line"],
                        rule=rule,
                        counted=rule not in self.vocabulary.not_counted,
                        message=one["message"],
                    )
                )
        return Linted(tuple(findings))


def ours(manifest: Manifest, program: Path | None = None) -> Ours:
    """This package's linter; raises ``NotRunError`` when the program is not there."""
    linter = Ours(manifest.tools[OURS], program)
    if not linter.program.exists():
        raise NotRunError(f"{linter.program} is missing: run `make setup`, or name it by --program")
    return linter


def rivals(manifest: Manifest, directory: Path) -> tuple[Squawk, Safemigrate]:
    """The rivals, in an environment of their own that is made once."""
    tools = manifest.tools
    requirements = [tools[name].requirement for name in (SQUAWK, SAFEMIGRATE)]
    place = directory / "rivals" / "-".join(one.replace("==", "-") for one in requirements)
    if not (place / "bin" / SAFEMIGRATE).exists():
        venv.create(place, with_pip=True, clear=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        done = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines() or ["failed"]
            raise NotRunError(f"pip could not install {' and '.join(requirements)}: {reason[-1]}")
    return (
        Squawk(tools[SQUAWK], place / "bin" / SQUAWK),
        Safemigrate(tools[SAFEMIGRATE], place / "bin" / SAFEMIGRATE),
    )


def _parts(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), PATHS_A_CALL):
        yield paths[start : start + PATHS_A_CALL]


def _literal(path: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in path)


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _json(command: Sequence[str], directory: Path) -> Any:  # noqa: ANN401 - each tool has its own
    """What a linter printed. Its exit code tells what it found, so only the output is judged."""
    done = subprocess.run(command, capture_output=True, check=False, cwd=directory)
    try:
        return json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "no output"
        raise NotRunError(
            f"{Path(command[0]).name} ended with {done.returncode}: {reason}"
        ) from None
