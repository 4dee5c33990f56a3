"""The migration linter beside its rivals: what each finds, how often it speaks, how long it takes.

Measured on public repositories at fixed commits, which are fetched into a cache outside of this one
(benchmarks/lint/manifest.toml names them). Each linter is called as its users call it. Exit code 0
whatever the results are: this measures and does not judge. 2: bad usage. 3: it could not measure.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# `python benchmarks/migration_lint.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lint import (
    agreement,
    histories,
    labelled,
    linters,
    manifest,
    noise,
    page,
    robustness,
    rust_cases,
    speed,
)
from benchmarks.lint.corpus import VARIABLE, Corpus, cache
from benchmarks.lint.observation import observe
from senior_backend.errors import SeniorBackendError
from senior_backend.postgres import start

GOALS = {1: 0.2, 1_000: 1.0, 10_000: 8.0}
SPEED_SEED = 1


class Bench:
    """What every part needs."""

    def __init__(self, options: argparse.Namespace) -> None:
        directory = cache()
        self.options = options
        self.manifest = manifest.read()
        self.corpus = Corpus(directory, options.corpus)
        self.ours = linters.ours(self.manifest, options.program)
        self.squawk, self.safemigrate = linters.rivals(self.manifest, directory)

    def labelled(self) -> str:
        """Somebody else's labelled benchmark."""
        repository = self.manifest.repositories[self.manifest.labelled]
        files = labelled.read(self.corpus.unpacked(repository))
        competing = (self.ours, self.squawk, self.safemigrate)
        judged = [
            labelled.judge(linter, file, self.manifest) for file in files for linter in competing
        ]
        told = {
            file.path: labelled.told(file, self.ours, self.manifest)
            for file in files
            if file.verdict not in ("dangerous", "safe")
        }
        return labelled.report(judged, competing, told)

    def agreement(self) -> str:
        """The rivals' own test cases."""
        compared: list[agreement.Compared] = []
        for name, source in self.manifest.cases.items():
            tree = self.corpus.unpacked(self.manifest.repositories[source.repository])
            paths = sorted(path for pattern in source.files for path in tree.glob(pattern))
            cases = rust_cases.read(name, paths)
            asked = [agreement.comparable(case, source) for case in cases]
            say(f"{name}: {len(cases)} cases, {asked.count(None)} of them left out")
            compared += agreement.compare(name, source, [one for one in asked if one], self.ours)
        with start() as server:

            def seen(one: agreement.Compared) -> str:
                return " // ".join(str(statement) for statement in observe(server, one.case.sql))

            return agreement.report(compared, agreement.verdicts(), seen)

    def noise(self) -> str:
        """Findings on real histories."""
        repositories = [one for one in self.manifest.histories() if one.noise]
        heard = []
        for history in histories.read(self.corpus, repositories):
            say(f"noise: {history.repository.name}")
            heard.append(noise.listen(history, self.ours, self.squawk))
        parts = [noise.report(heard)]
        if self.options.sample:
            parts.append(noise.sample(heard, self.options.sample, self.options.seed))
        return "\n\n".join(parts)

    def robustness(self) -> str:
        """Everything there is, counted."""
        survived = []
        for repository in self.manifest.repositories.values():
            if repository.use == "labelled":
                continue
            tree = self.corpus.unpacked(repository)
            for folder in repository.paths:
                if any((tree / folder).rglob("*.sql")):
                    say(f"robustness: {repository.name} {folder}")
                    name = f"{repository.name}: {folder}"
                    survived.append(robustness.survive(name, tree, folder))
        return robustness.report(survived)

    def speed(self) -> str:
        """Seconds and megabytes."""
        files = [
            file
            for history in histories.read(self.corpus, self.manifest.histories())
            for file in history.files
        ]
        random.Random(SPEED_SEED).shuffle(files)
        sizes = [size for size in GOALS if size <= len(files)]
        say(f"speed: {self.options.rounds} rounds of {sizes} files")
        runs = speed.measure(files, sizes, self.options.rounds, self.ours, self.squawk)
        return speed.report(runs, GOALS)


PARTS: dict[str, Callable[[Bench], str]] = {
    "labelled": Bench.labelled,
    "agreement": Bench.agreement,
    "noise": Bench.noise,
    "robustness": Bench.robustness,
    "speed": Bench.speed,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    try:
        bench = Bench(options)
        sections = {}
        for name in options.parts or PARTS:
            began = time.monotonic()
            sections[name] = PARTS[name](bench)
            print(f"## {name}\n\n{sections[name]}\n", flush=True)
            say(f"{name} took {time.monotonic() - began:.0f} s")
        if options.write:
            tools = (bench.ours, bench.squawk, bench.safemigrate)
            versions = {one.name: one.version() for one in tools}
            text = page.page(sections, bench.manifest, versions)
            options.write.parent.mkdir(parents=True, exist_ok=True)
            options.write.write_text(text, encoding="utf-8")
    except SeniorBackendError as error:
        print(f"migration_lint: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="migration_lint.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"{', '.join(PARTS)}; all of them by default",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="DIR",
        default=os.environ.get(VARIABLE) and Path(os.environ[VARIABLE]),
        help=f"read Git directories OWNER+NAME from there, and fetch nothing (${VARIABLE})",
    )
    parser.add_argument("--program", type=Path, metavar="FILE", help="our command, to measure")
    parser.add_argument(
        "--sample", type=positive, metavar="N", help="noise: draw findings of ours to judge by hand"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="also write a page of all that was measured"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the sample (%(default)s)")
    parser.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="of the speed (%(default)s)"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    return options


def positive(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
