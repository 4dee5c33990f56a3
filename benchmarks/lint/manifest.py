"""What is measured on what: the manifest beside this file, as data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

PATH = Path(__file__).with_name("manifest.toml")

Use = Literal["labelled", "cases", "regression", "history"]


@dataclass(frozen=True)
class Repository:
    """A public repository at one commit, and the parts of it that are read."""

    name: str
    commit: str
    paths: tuple[str, ...]
    use: Use
    without: tuple[str, ...] = ()
    tool: str = ""
    noise: bool = False
    schema: str = ""
    """The one its tool is configured to use, where that is not ``public``."""


@dataclass(frozen=True)
class Vocabulary:
    """What a tool's rules mean: which of them name a hazard, and which are habit or taste."""

    requirement: str = ""
    not_counted: frozenset[str] = frozenset()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def name(self, hazard: str, rule: str) -> bool:
        """Whether a finding of this rule names the hazard."""
        return any(fnmatchcase(rule, pattern) for pattern in self.names.get(hazard, ()))


@dataclass(frozen=True)
class CaseSource:
    """Where a rival keeps its test cases, and what its rules are about."""

    repository: str
    files: tuple[str, ...]
    hazard: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]
    runs_alone: bool = False
    """Whether its tool takes a file without further word to run outside a transaction."""


@dataclass(frozen=True)
class Context:
    """What is known of the database beside a file."""

    rows: Mapping[str, int] = field(default_factory=dict)
    schema: str = ""
    """The statements that made what is there."""


@dataclass(frozen=True)
class Manifest:
    """The whole of it."""

    repositories: Mapping[str, Repository]
    tools: Mapping[str, Vocabulary]
    labelled: str
    statement: Mapping[str, str]
    """Hazard of a label -> pattern of the statements that can have it."""
    context: Mapping[str, "Context"]
    """File -> what its label says in prose of the database, in the form that our linter takes."""
    cases: Mapping[str, CaseSource]

    def histories(self) -> list[Repository]:
        """The migration folders of real projects."""
        return [one for one in self.repositories.values() if one.use == "history"]


def read(path: Path = PATH) -> Manifest:
    """The manifest; a mistake in it is a bug, so it shows as one."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    repositories = [_repository(one) for one in data["repository"]]
    return Manifest(
        repositories={one.name: one for one in repositories},
        tools={name: _vocabulary(one) for name, one in data["tools"].items()},
        labelled=data["labelled"]["repository"],
        statement=data["labelled"]["statement"],
        context={name: Context(**one) for name, one in data["labelled"]["context"].items()},
        cases={
            name: CaseSource(
                one["repository"],
                tuple(one["files"]),
                _lists(one["hazard"]),
                one["left_out"],
                one.get("runs_alone", False),
            )
            for name, one in data["agreement"].items()
        },
    )


def _repository(data: dict[str, Any]) -> Repository:
    return Repository(
        **{**data, "paths": tuple(data["paths"]), "without": tuple(data.get("without", ()))}
    )


def _vocabulary(data: dict[str, Any]) -> Vocabulary:
    return Vocabulary(
        data.get("requirement", ""),
        frozenset(data.get("not_counted", ())),
        _lists(data["names"]),
    )


def _lists(data: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in data.items()}
