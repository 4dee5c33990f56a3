"""The frameworks that the template offers, and the commands each generated service answers to."""

import itertools
from dataclasses import dataclass

Command = tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """One framework's service; every command runs from its root."""

    name: str
    install: Command
    lint: Command
    test: Command
    migrate: Command
    serve: Command


TREES = {
    tree.name: tree
    for tree in (
        Tree(
            name="fastapi",
            install=("make", "setup"),
            lint=("make", "lint"),
            test=("make", "test"),
            migrate=(".venv/bin/python", "-m", "app", "migrate"),
            serve=(".venv/bin/python", "-m", "app"),
        ),
    )
}

EXAMPLES = ("orders", "none")
LICENSES = ("MIT", "Apache-2.0", "none")
CI = ("github", "none")

# Every combination of answers that changes which files there are.
COMBINATIONS = [
    {"framework": framework, "example": example, "license": license_, "ci": ci}
    for framework, example, license_, ci in itertools.product(TREES, EXAMPLES, LICENSES, CI)
]

# Half of them, in which every two answers still meet: what `make test` has time for.
PAIRWISE = [
    answers
    for answers in COMBINATIONS
    if CI[(EXAMPLES.index(answers["example"]) + LICENSES.index(answers["license"])) % len(CI)]
    == answers["ci"]
]


def name_of(answers: dict[str, str]) -> str:
    """A test id such as ``fastapi-orders-MIT-github``."""
    return "-".join(answers.values())
