"""The code and .env.example name the same variables, in every folder that has an example."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from senior_backend.checks.check import Settings, Tree
from senior_backend.checks.env_example_in_sync import check
from senior_backend.findings import Finding, NotAnalyzed
from tests.checks.conftest import Repository

READ = "import os\nos.environ['{}']\n"


def places(found: Iterable[Finding | NotAnalyzed]) -> set[tuple[str, int, str]]:
    return {(f.path, f.line, f.message if isinstance(f, Finding) else f.reason) for f in found}


def summary(found: Iterable[Finding | NotAnalyzed]) -> set[tuple[str, int, object]]:
    """Where, and which variable it is about."""
    return {(f.path, f.line, f.details.get("variable")) for f in found if isinstance(f, Finding)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # In sync.
        ({".env.example": "A=1\n", "a.py": READ.format("A")}, set()),
        ({".env.example": "# A=1\n", "a.py": READ.format("A")}, set()),
        ({".env.example": "", "a.py": READ.format("HOME")}, set()),
        ({".env.example": "", "a.ts": "process.env.NODE_ENV; process.env.CI"}, set()),
        ({".env.example": "", "tests/a.py": READ.format("A")}, set()),
        ({".env.example": "B=1\n", "a.py": "from p import BaseSettings\nclass S(BaseSettings):\n"
          "  a: int = Field(validation_alias=AliasChoices('A', 'B'))\n"}, set()),
        ({".env.example": "DB__HOST=x\n", "a.py": "from p import BaseSettings\n"
          "class S(BaseSettings, env_nested_delimiter='__'):\n  db: Database\n"}, set()),
        ({".env.example": "DB_HOST=x\n", "a.go":
          'type D struct { H string `env:"HOST"` }\ntype C struct { D D `envPrefix:"DB_"` }'},
         set()),
        ({".env.example": "app_a=x\n", "a.py": "from p import BaseSettings\n"
          "class S(BaseSettings, env_prefix='APP_'):\n  a: int\n"}, set()),
        # Missing.
        ({".env.example": "", "a.py": READ.format("A")}, {("a.py", 2, "A")}),
        ({".env.example": "", "a.ts": "process.env.A", "b.ts": "process.env.A"},
         {("a.ts", 1, "A")}),
        ({".env.example": "", "a.go": 'os.Getenv("A")'}, {("a.go", 1, "A")}),
        ({".env.example": "", "compose.yml": "image: ${A}"}, {("compose.yml", 1, "A")}),
        ({".env.example": "AB=1\n", "a.py": READ.format("A"), "b": "AB"}, {("a.py", 2, "A")}),
        # Stale, or named elsewhere in whatever spelling.
        ({".env.example": "A=1\nB=1\n", "a.py": READ.format("A")}, {(".env.example", 2, "B")}),
        ({".env.example": "# B=1\n"}, {(".env.example", 1, "B")}),
        ({".env.example": "B=1\n", ".env.test": "B=1\n"}, {(".env.example", 1, "B")}),
        ({".env.example": "B=1\n", "a.rb": "B_SIDE SUB_B AB"}, {(".env.example", 1, "B")}),
        ({".env.example": "B=1\n", "run.sh": "echo $B"}, set()),
        ({".env.example": "MY_KEY=1\n", "a.rs": "my_key: String"}, set()),
        ({".env.example": "MY_KEY=1\n", "a.kt": "val myKey"}, set()),
        ({".env.example": "MY_KEY=1\n", "application.yml": "my.key: 1"}, set()),
        ({".env.example": "X_URL=1\n", "a.py": "import os\nos.environ[f'{n}_URL']"}, set()),
        ({".env.example": "OTEL_SERVICE_NAME=a\nPGHOST=b\n"}, set()),
        # Twice. An alternative that is commented out is no second entry.
        ({".env.example": "A=1\nA=2\n", "a.py": READ.format("A")}, {(".env.example", 2, "A")}),
        ({".env.example": "# A=1\nA=2\n", "a.py": READ.format("A")}, set()),
        # Malformed.
        ({".env.example": "A\n"}, {(".env.example", 1, None)}),
        # A monorepo: each example covers its folder, an outer one also the inner folders.
        ({"x/.env.example": "A=1\n", "y/.env.example": "", "x/a.py": READ.format("A"),
          "y/a.py": READ.format("A")}, {("y/a.py", 2, "A")}),
        ({".env.example": "A=1\n", "x/.env.example": "", "x/a.py": READ.format("A")}, set()),
        ({".env.example": "A=1\n", "x/.env.example": "A=1\n", "x/a.py": READ.format("A")}, set()),
    ],
)  # fmt: skip
def test_table(
    repository: Repository, files: Mapping[str, str], expected: set[tuple[str, int, object]]
) -> None:
    assert summary(check(Tree(repository(files)))) == expected


def test_a_missing_variable_is_reported_once_with_all_its_places(repository: Repository) -> None:
    tree = Tree(
        repository({"x/.env.example": "", "x/a.ts": "\nprocess.env.A", "x/b.ts": "process.env.A"})
    )
    (found,) = check(tree)
    assert isinstance(found, Finding)
    assert (found.path, found.line, found.message) == (
        "x/a.ts",
        2,
        (
            "A is read here, but x/.env.example does not list it; add a line with a safe example "
            "value, commented out if it is optional"
        ),
    )
    assert found.details["reads"] == ["x/a.ts:2", "x/b.ts:1"]


def test_a_repository_without_any_example_is_told_once(repository: Repository) -> None:
    tree = Tree(repository({"a.py": READ.format("B") + "os.getenv('A')", "b.py": "x = 1"}))
    assert places(check(tree)) == {
        (
            "a.py",
            2,
            (
                "the code reads 2 environment variables (A, B), but there is no .env.example; "
                "write one that lists them"
            ),
        )
    }


def test_a_repository_that_reads_nothing_needs_no_example(repository: Repository) -> None:
    assert list(check(Tree(repository({"a.py": READ.format("PATH"), "README.md": "hi"})))) == []


def test_code_outside_every_examples_folder_is_not_called_clean(repository: Repository) -> None:
    tree = Tree(repository({"x/.env.example": "", "tool.py": READ.format("A")}))
    assert list(check(tree)) == [
        NotAnalyzed("tool.py", 2, "no .env.example in its folder or in one above")
    ]


def test_a_file_that_cannot_be_parsed_is_not_called_clean(repository: Repository) -> None:
    tree = Tree(repository({".env.example": "", "a.py": "import os\nos.environ['A'\n"}))
    reason = (
        "cannot be parsed ('[' was never closed): "
        "mend it, or name it under `exclude` in senior-backend.toml"
    )
    assert list(check(tree)) == [NotAnalyzed("a.py", 2, reason, whole=True)]


def test_named_files_choose_the_folders_to_compare(repository: Repository) -> None:
    root = repository(
        {
            "x/.env.example": "S=1\n",
            "x/a.py": READ.format("A"),
            "x/b.py": "",
            "y/.env.example": "S=1\n",
            "y/a.py": READ.format("A"),
        }
    )
    found = summary(check(Tree(root, asked=(Path("x/b.py"),))))
    assert found == {("x/a.py", 2, "A"), ("x/.env.example", 1, "S")}


def test_a_new_example_counts_before_git_tracks_it(repository: Repository) -> None:
    root = repository({"a.py": READ.format("A")})
    (root / ".env.example").write_text("A=1\n")
    assert list(check(Tree(root, asked=(Path(".env.example"),)))) == []


def test_ignored_variables_and_excluded_paths(repository: Repository) -> None:
    root = repository(
        {
            ".env.example": "FEATURE_X=1\n",
            "a.py": READ.format("FEATURE_Y"),
            "scripts/a.py": READ.format("A"),
        }
    )
    settings = Settings(exclude=("scripts/*",), ignore_variables=("FEATURE_*",))
    assert list(check(Tree(root, settings))) == []
