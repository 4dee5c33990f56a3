"""The page that publishes what the benchmark measured."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.lint.manifest import Manifest
from benchmarks.lint.markdown import share, table

JUDGED = Path(__file__).with_name("judged.toml")

ABOUT: Mapping[str, tuple[str, str]] = {
    "labelled": (
        "A labelled benchmark of somebody else",
        (
            "48 migrations that the authors of MigrationPilot wrote and labelled, each linted "
            "alone by each tool. *Strict*: the hazard of the label is named at a statement that "
            "has it. *Loose*: anything that counts is found in the file; a habit, such as a "
            "missing `lock_timeout`, does not count. A safe file in which something counts is a "
            "false alarm. Whether to flag the six files that depend on context is a matter of "
            "what is known: the last column tells our linter what their labels say in prose (a "
            "table's rows, a column's old type); `-` means that nothing counts."
        ),
    ),
    "agreement": (
        "The rivals' own test cases",
        (
            "Each case is about one hazard, which must or must not be found. Where we and they "
            "differ, PostgreSQL decides: the statements are run, and the locks, rewrites, scans "
            "and failures are observed. *Taste* is what PostgreSQL cannot decide. *Right* "
            "counts the cases in which we agree, or are right, or none is."
        ),
    ),
    "noise": (
        "Findings on real histories",
        (
            "All migrations of thirteen projects, each linted as if it were new. Findings that "
            "would fail a build, a thousand statements. squawk was told of the transaction "
            "around each file; its habits and tastes are counted apart."
        ),
    ),
    "robustness": (
        "Nothing is passed over in silence",
        (
            "PostgreSQL's regression tests and all `.sql` files of the projects. *Statements* "
            "is a plain count that shares no code with the linter; it must equal what was "
            "analyzed and what was reported with its place. *Silent* are files of which nothing "
            "was said."
        ),
    ),
    "speed": (
        "Time and memory",
        (
            "The same files in the same run, in turns. The files of all projects are mixed and "
            "numbered, so that one folder holds them all."
        ),
    ),
}


def page(sections: Mapping[str, str], manifest: Manifest, tools: Mapping[str, str]) -> str:
    """The whole page in Markdown; ``tools`` are the linters' versions by name."""
    parts = [
        "# The migration linter, measured",
        (
            "Written by `python benchmarks/migration_lint.py --write "
            f"docs/benchmarks/migration_lint.md` on {datetime.now(UTC).date()}. "
            "The repositories are public and fetched by whoever runs it."
        ),
        table(("linter", "version"), list(tools.items())),
    ]
    for name, text in sections.items():
        title, about = ABOUT[name]
        parts += [f"## {title}", about, text]
        if name == "noise":
            parts += ["### Twenty of our findings, judged by hand", judged()]
    rows = [
        (one.name, f"`{one.commit[:12]}`", ", ".join(f"`{path}`" for path in one.paths), one.use)
        for one in manifest.repositories.values()
    ]
    parts += ["## What was read", table(("repository", "commit", "paths", "for"), rows, 9)]
    return "\n\n".join(parts) + "\n"


def judged(path: Path = JUDGED) -> str:
    """The sample with its verdicts."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    findings = data["finding"]
    counts = Counter(one["verdict"] for one in findings)
    rows = [
        (one["rule"], one["project"], one["place"], one["verdict"], one["because"])
        for one in findings
    ]
    return "\n\n".join(
        [
            (
                f"Drawn at random (`--sample {len(findings)} --seed {data['seed']}`). Right: "
                f"{share(counts['right'], len(findings))}; right unless something is so that no "
                f"folder of migrations shows, as the order of deploys: "
                f"{share(counts['depends'], len(findings))}; wrong: "
                f"{share(counts['wrong'], len(findings))}."
            ),
            table(("rule", "project", "place", "verdict", "because"), rows, numbers_from=9),
        ]
    )
