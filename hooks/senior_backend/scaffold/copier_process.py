"""Running the ``copier`` command, and turning its tracebacks into one line.

As a command and never as an import: it is an optional dependency, and importing it takes longer
than anything else this package does.
"""

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from senior_backend import git
from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.scaffold.answers import ANSWERS_FILE
from senior_backend.scaffold.source import Source


def copy(source: Source, directory: Path, answers: Mapping[str, str], *, interactive: bool) -> None:
    """Generate a service in ``directory``; interactively, Copier asks what ``answers`` leave open.

    Raises:
        InputError: an answer or the reference is refused.
        NotRunError: Copier is not installed, or could not do its work.
    """
    arguments = ["copy", "--overwrite", *_data(answers), *_reference(source)]
    if not interactive:
        arguments.append("--defaults")
    _run([*arguments, source.address, str(directory)], source, interactive=interactive)


def update(source: Source, directory: Path, answers: Mapping[str, str]) -> None:
    """Merge ``source`` into the service in ``directory``; conflicts are left in its files.

    Raises:
        InputError: an answer or the reference is refused.
        NotRunError: Copier is not installed, or could not do its work.
    """
    arguments = ["update", "--defaults", "--conflict", "inline"]
    _run([*arguments, *_data(answers), *_reference(source), str(directory)], source)


def _data(answers: Mapping[str, str]) -> list[str]:
    return [part for name, value in answers.items() for part in ("--data", f"{name}={value}")]


def _reference(source: Source) -> list[str]:
    return ["--vcs-ref", source.ref] if source.ref else []


def _run(arguments: list[str], source: Source, *, interactive: bool = False) -> None:
    if importlib.util.find_spec("copier") is None:
        raise NotRunError(
            "Copier is not installed in this environment; add it: pip install 'copier>=9.15,<10'"
        )
    with tempfile.TemporaryDirectory(prefix="senior-backend-") as cache:
        # Copier mirrors an address once and keeps it below the home folder. Anew each time, the
        # mirror follows branch switches and detached commits, and the home may be read-only.
        environment = {**git.environment(), "COPIER_CACHE_DIR": cache}
        if not interactive:
            environment["GIT_TERMINAL_PROMPT"] = "0"
        try:
            done = subprocess.run(
                # -P: a copier.py or yaml.py in the user's folder is not what is meant.
                [sys.executable, "-P", "-m", "copier", *arguments, "--quiet"],
                env=environment,
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=None if interactive else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                check=False,
            )
        except KeyboardInterrupt:
            raise NotRunError(_STOPPED) from None
    if done.returncode:
        raise explain(done.stderr, source)


_STOPPED = "stopped by the user before it was done"


def explain(stderr: str, source: Source) -> SeniorBackendError:
    """The one-line error for what a failed Copier wrote to standard error."""
    text = re.sub(r"^\s*\|\s?", "", stderr, flags=re.MULTILINE)
    if found := re.search(r"Validation error for question '(\w+)': (.+)", text, re.DOTALL):
        flag, reason = found[1].replace("_", "-"), " ".join(found[2].split())
        return InputError(f"--{flag}: {reason}")
    if found := re.search(r"Invalid choice for '(\w+)': (.+)", text):
        return InputError(f"--{found[1].replace('_', '-')}: {found[2]}")
    if found := re.search(r"Question \"(\w+)\" is required", text):
        return InputError(f"--{found[1].replace('_', '-')}: the template has no default; give it")
    if "Execution stopped by user" in text:
        return NotRunError(_STOPPED)
    if found := re.search(r"dubious ownership in repository at '(.+)'", text):
        return NotRunError(
            f"Git refuses {source.address}, which belongs to another user; "
            f"trust it with: git config --global --add safe.directory {found[1]}"
        )
    if re.search(r"invalid reference|did not match any|couldn't find remote ref", text):
        missing = re.search(r"invalid reference: (\S+)", text)
        if missing and missing[1] != source.ref:
            return InputError(
                f"{source.address} no longer has {missing[1]}, the _commit of "
                f"{ANSWERS_FILE}; write one that it has there, and commit it"
            )
        return InputError(
            f"--ref {source.ref}: {source.address} has no such tag, branch or commit; "
            "name one that exists"
        )
    if "unsafe feature" in text:
        return NotRunError(
            f"{source.address} wants to run code of its own; read it, then run `copier --trust`"
        )
    if found := re.search(r"downgrading from (\S+) to (\S+)\.", text):
        return InputError(
            f"the service is at {found[1]}, newer than {found[2]}; "
            "name a newer one: --ref HEAD takes the newest commit"
        )
    fatal = re.findall(r"^(?:Stderr:\s*\|?\s*)?(?:fatal|error): (.+)", text, re.MULTILINE)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = fatal[0] if fatal else (lines[-1] if lines else "it gave no reason")
    if "in parse_answer" in text:
        return InputError(f"an answer has the wrong form: {reason.removeprefix('ValueError: ')}")
    return NotRunError(f"Copier could not use {source.address}: {reason}")
