"""Migration folders of real projects: which parts of them go forward, and how much that is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.lint.corpus import Corpus
from benchmarks.lint.linters import Found
from benchmarks.lint.manifest import Repository
from benchmarks.lint.statements import Piece, pieces

DOWN_NAME = re.compile(r"(^|[./_-])(down|undo|rollback)\.sql$|(^|/)U\d[^/]*\.sql$")
DOWN_MARK = re.compile(r"--\s*(\+goose down|migrate:down|!downs)\b", re.IGNORECASE)


@dataclass(frozen=True)
class File:
    """One ``.sql`` file; ``name`` is its path in the repository."""

    tree: Path
    name: str

    @cached_property
    def text(self) -> str:
        """What it holds."""
        return (self.tree / self.name).read_text(encoding="utf-8", errors="replace")

    @cached_property
    def down_from(self) -> float:
        """The line from which it takes back what it did."""
        if DOWN_NAME.search(self.name):
            return 1
        match = DOWN_MARK.search(self.text)
        return self.text.count("\n", 0, match.start()) + 1 if match else float("inf")

    @property
    def concurrent(self) -> bool:
        """Whether it asks for something that refuses a transaction block."""
        return "concurrently" in self.text.lower()

    def forward(self) -> list[Piece]:
        """The statements that go forward, as far as PostgreSQL's scanner gets through."""
        return [one for one in pieces(self.text) or [] if one.line < self.down_from]


class History:
    """The files of one project."""

    def __init__(self, repository: Repository, tree: Path) -> None:
        self.repository = repository
        self.tree = tree
        self.files = [File(tree, name) for name in sorted(_sql(tree))]
        self._by_name = {one.name: one for one in self.files}

    def forward_files(self) -> list[File]:
        """Those that do not only take back."""
        return [one for one in self.files if one.down_from > 1]

    def forward(self, findings: Iterable[Found]) -> list[Found]:
        """The findings in what goes forward."""
        return [
            one
            for one in findings
            if one.path in self._by_name and one.line < self._by_name[one.path].down_from
        ]


def read(corpus: Corpus, repositories: Iterable[Repository]) -> Iterator[History]:
    """The projects' histories, fetched when they are not there; raises ``NotRunError``."""
    for repository in repositories:
        yield History(repository, corpus.unpacked(repository))


def _sql(tree: Path) -> list[str]:
    return [str(path.relative_to(tree)) for path in tree.rglob("*.sql") if path.is_file()]
