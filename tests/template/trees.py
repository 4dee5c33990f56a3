"""The frameworks that the template offers, and the commands each generated service answers to."""

import os
import random
from dataclasses import dataclass

from allpairspy import AllPairs

from tests.fixtures.template import ROOT, git

Command = tuple[str, ...]


NAME = "payments-api"
"""What services are called whose commands stand below: a Go program has its service's name."""


@dataclass(frozen=True)
class Tree:
    """One framework's service; every command runs from its root."""

    name: str
    language: str
    style: str
    install: Command
    lint: Command
    test: Command
    build: Command
    """Empty where the code runs as it stands."""
    migrate: Command
    serve: Command
    tools: str
    """The folder of what `make setup` installs, and of the file `.ready` that it then makes."""
    code: str
    """The folder of the service's own modules."""
    custom_routes: str
    """The file that no update touches."""
    last_migration: str
    """The newest one of the example orders, as `make migrate DOWN=` takes it."""
    description: str = "openapi.json"
    """What describes the API, and is written from the code by the target `described_by`."""
    described_by: str = "openapi"
    also_theirs: tuple[str, ...] = ()
    """Other files that no update touches."""


TREES = {
    tree.name: tree
    for tree in (
        Tree(
            name="fastapi",
            language="python",
            style="rest",
            install=("make", "setup"),
            lint=("make", "lint"),
            test=("make", "test"),
            build=(),
            migrate=(".venv/bin/python", "-m", "app", "migrate"),
            serve=(".venv/bin/python", "-m", "app"),
            tools=".venv",
            code="app",
            custom_routes="app/routes/custom.py",
            last_migration="0002",
        ),
        Tree(
            name="express",
            language="node",
            style="rest",
            install=("make", "setup"),
            lint=("make", "lint"),
            test=("make", "test"),
            build=("npm", "run", "build"),
            migrate=("node", "dist/main.js", "migrate"),
            serve=("node", "dist/main.js"),
            tools="node_modules",
            code="src",
            custom_routes="src/routes/custom.ts",
            last_migration="20260101000001_orders",
        ),
        Tree(
            name="go",
            language="go",
            style="rest",
            install=("make", "setup"),
            lint=("make", "lint"),
            test=("make", "test"),
            build=("make", f"bin/{NAME}"),
            migrate=(f"bin/{NAME}", "migrate"),
            serve=(f"bin/{NAME}",),
            tools=".tools",
            code="internal",
            custom_routes="internal/api/custom.go",
            last_migration="20260101000001_orders",
        ),
        Tree(
            name="graphql",
            language="node",
            style="graphql",
            install=("make", "setup"),
            lint=("make", "lint"),
            test=("make", "test"),
            build=("npm", "run", "build"),
            migrate=("node", "dist/main.js", "migrate"),
            serve=("node", "dist/main.js"),
            tools="node_modules",
            code="src",
            custom_routes="src/schema/custom.ts",
            also_theirs=("persisted-operations.json",),
            last_migration="20260101000001_orders",
            description="schema.graphql",
            described_by="schema",
        ),
    )
}

REST = {name: tree for name, tree in TREES.items() if tree.style == "rest"}
"""Those that answer the same calls."""

LANGUAGES = {tree.language: name for name, tree in reversed(TREES.items())}
"""The first tree of each language, for what is the same in all of one language."""

EXAMPLES = ("orders", "none")
CI = ("github", "gitlab", "none")

# What every framework's service can be chosen to be. Those with more choices stand first: so the
# generator of pairs below finds the fewest rows.
OPTIONS = {
    "ci": CI,
    "database": ("postgres", "neon", "supabase"),
    "license": ("MIT", "Apache-2.0", "none"),
    "example": EXAMPLES,
    "cache": ("none", "redis"),
}

Answers = dict[str, str]

ROWS = [dict(zip(OPTIONS, row, strict=True)) for row in AllPairs(list(OPTIONS.values()))]

# Of each framework as few services as there can be in which every two answers meet.
PAIRWISE: list[Answers] = [{"framework": framework, **row} for framework in TREES for row in ROWS]

# Those of them in which every answer is given once: what is seen before each push.
EACH_ANSWER: list[Answers] = [
    {"framework": framework, **row}
    for framework in TREES
    for row in ROWS[: max(map(len, OPTIONS.values()))]
]


def name_of(answers: Answers) -> str:
    """A test id such as ``fastapi-github-postgres-MIT-orders-none``."""
    return "-".join(answers.values())


def seed() -> str:
    """What chooses the sample: ``SEED`` of the environment, else the commit of this checkout."""
    return os.environ.get("SEED") or git(ROOT, "rev-parse", "HEAD")


def sample(seed: str) -> list[Answers]:
    """Of two frameworks one service of all that there can be, others for every seed.

    One has the workflow of GitHub and the other the pipeline of GitLab. A sample takes minutes:
    it installs everything that the service's own CI installs.
    """
    chance = random.Random(seed)
    return [
        {"framework": framework}
        | {option: chance.choice(choices) for option, choices in OPTIONS.items()}
        | {"ci": kind}
        for framework, kind in zip(chance.sample(list(TREES), 2), CI, strict=False)
    ]


def halves(seed: str) -> tuple[list[str], list[str]]:
    """The frameworks in two halves, others for every seed: for what takes minutes in each."""
    shuffled = random.Random(seed).sample(list(TREES), len(TREES))
    middle = len(TREES) // 2
    return shuffled[:middle], shuffled[middle:]


def with_an_example(frameworks: list[str], seed: str) -> list[tuple[str, str]]:
    """These frameworks, each with one of its examples, others for every seed."""
    chance = random.Random(seed)
    return [(framework, chance.choice(EXAMPLES)) for framework in frameworks]
