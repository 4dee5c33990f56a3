"""The lock model beside PostgreSQL: what the linter says of public migrations, and what they do.

The folders of public projects at fixed commits (benchmarks/lint/manifest.toml) are built on a
PostgreSQL, migration after migration, as their tools would; every statement is traced and compared
with the linter's word on it. Exit code 0 whatever the results are: this measures and does not
judge. 2: bad usage. 3: it could not measure.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# `python benchmarks/static_observed.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lint import manifest
from benchmarks.lint.corpus import VARIABLE, Corpus, cache
from benchmarks.observed import page, projects
from senior_backend.errors import SeniorBackendError

MAJOR = 18


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    try:
        corpus = Corpus(cache(), options.corpus)
        histories = manifest.read().histories()
        chosen = [
            one
            for one in histories
            if (one.name in options.projects if options.projects else one.noise)
        ]
        results = []
        for repository in chosen:
            began = time.monotonic()
            result = projects.measure(repository, corpus.unpacked(repository), options.pg)
            results.append(result)
            say(f"{result.summary()} in {time.monotonic() - began:.0f} s")
            for line in result.wrong() if options.details else ():
                say(f"  {line}")
        text = page.page(results, options.pg)
        print(text)
        if options.write:
            options.write.parent.mkdir(parents=True, exist_ok=True)
            options.write.write_text(text, encoding="utf-8")
    except SeniorBackendError as error:
        print(f"static_observed: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="static_observed.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [one.name for one in manifest.read().histories()]
    parser.add_argument(
        "projects",
        nargs="*",
        metavar="OWNER/NAME",
        help="of the manifest; by default those with one folder for PostgreSQL only",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="DIR",
        default=os.environ.get(VARIABLE) and Path(os.environ[VARIABLE]),
        help=f"read Git directories OWNER+NAME from there, and fetch nothing (${VARIABLE})",
    )
    parser.add_argument(
        "--pg", type=int, default=MAJOR, choices=range(14, 19), help="major version (%(default)s)"
    )
    parser.add_argument("--details", action="store_true", help="say what is wrong as it is found")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="also write the page of all that was measured"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.projects if name not in known]
    if unknown:
        parser.error(f"no project {unknown[0]!r}: choose from {', '.join(known)}")
    return options


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
