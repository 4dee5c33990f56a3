"""The service's Makefile: its targets, the settings it exports, what a bare machine is told."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template import go
from tests.template.make import PATH, UV, environment, make, succeed
from tests.template.trees import LANGUAGES, NAME, TREES

SHOW = """\
show:
\t@$(load_env); printf '%s\\n' "$$VALUE"
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, generate) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("makefile")
    return {tree: generate(folder / tree, framework=tree, project_name=NAME) for tree in TREES}


@pytest.fixture
def service(generated: dict[str, Path], tmp_path: Path) -> Path:
    """A service of the test's own, not installed: of any tree, where they are all the same."""
    return shutil.copytree(generated["fastapi"], tmp_path / "svc")


@pytest.fixture
def node_service(generated: dict[str, Path], tmp_path: Path) -> Path:
    """A Node service of the test's own, not installed."""
    return shutil.copytree(generated["express"], tmp_path / "svc")


@pytest.mark.parametrize("tree", TREES)
def test_make_alone_lists_every_target(generated: dict[str, Path], tree: str, tmp_path: Path):
    service = shutil.copytree(generated[tree], tmp_path / "svc")
    (service / "local.mk").write_text("ours: ## Do what only we do\n\t@echo ours\n")
    result = make(service)
    assert result.returncode == 0, result.stderr
    listed = [line.split()[1] for line in result.stdout.splitlines()]
    assert {
        *(
            "setup",
            "hooks",
            "dev",
            "db",
            "db-stop",
            "migrate",
            "lint-sql",
            "explain",
            "token",
            "lint",
        ),
        *("format", TREES[tree].described_by, "lock", "test", "build", "clean", "help"),
        *("load-test", "load-test-check", "load-test-report", "load-test-baseline"),
    } <= set(listed)
    assert "ours" in listed, "a target of local.mk"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("VALUE=plain", "plain"),
        ("VALUE=postgres://u:p@h/d?a=b&c=d;e", "postgres://u:p@h/d?a=b&c=d;e"),
        ("VALUE=two words # kept", "two words # kept"),
        ("VALUE=$HOME `id` \\n $(id)", "$HOME `id` \\n $(id)"),
        ('VALUE="quoted"', "quoted"),
        ("VALUE='quoted'", "quoted"),
        ("VALUE=a=b=c", "a=b=c"),
        ("VALUE=", ""),
        ("# VALUE=comment", ""),
        (" VALUE=indented", ""),
        ("BAD NAME=x\nVALUE=after", "after"),
        ("VALUE=without newline at the end", "without newline at the end"),
        ("VALUE=from Windows\r\n", "from Windows"),
        ('VALUE="from Windows"\r\n', "from Windows"),
        ("VALUE=\r\n", ""),
    ],
)
def test_a_value_of_the_env_file_is_taken_as_it_stands(service: Path, line: str, value: str):
    (service / "local.mk").write_text(SHOW)
    (service / ".env").write_text(line)
    result = make(service, "show")
    assert (result.stdout, result.stderr) == (f"{value}\n", "")


@pytest.mark.parametrize("value", ["from the environment", ""])
def test_the_real_environment_wins_over_the_env_file(service: Path, value: str):
    (service / "local.mk").write_text(SHOW)
    (service / ".env").write_text("VALUE=from the file\n")
    assert make(service, "show", VALUE=value).stdout == f"{value}\n"


def test_the_env_file_starts_as_the_example_and_is_then_left_alone(service: Path):
    assert make(service, ".env").returncode == 0
    assert (service / ".env").read_text() == (service / ".env.example").read_text()
    (service / ".env").write_text("VALUE=ours\n")
    (service / ".env.example").touch()
    make(service, ".env")
    assert (service / ".env").read_text() == "VALUE=ours\n"


DOCKER = """\
#!/bin/sh
echo "$*" >> docker.log
case "$*" in "compose port database 5432") echo 127.0.0.1:49153 ;; esac
"""


def test_the_database_of_compose_is_named_by_the_port_it_got(service: Path, tmp_path: Path):
    """Docker itself is not on every machine that runs this; what it is asked for is."""
    path = machine(tmp_path / "bin", "git")
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    assert succeed(service, "db", "DB=compose", PATH=path) == (
        "postgresql://postgres:postgres@127.0.0.1:49153/payments_api\n"
    )
    succeed(service, "db-stop", "DB=compose", PATH=path)
    assert (service / "docker.log").read_text().splitlines() == [
        "compose up --detach --wait --quiet-pull database",
        "compose port database 5432",
        "compose stop database",
    ]


def machine(directory: Path, *names: str) -> str:
    """A PATH that offers these programs, and what every machine with make has."""
    directory.mkdir()
    for name in ("make", "sh", "awk", "cp", "rm", *names):
        program = shutil.which(name, path=PATH)
        assert program, name
        (directory / name).symlink_to(program)
    return str(directory)


def test_a_machine_without_git_is_told_so(service: Path, tmp_path: Path):
    result = make(service, "setup", PATH=machine(tmp_path / "bin"))
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        "make: git is missing: install it, the tools are fetched with it"
    )
    assert not (service / ".venv").exists()


def test_a_machine_without_uv_and_python_is_told_so(service: Path, tmp_path: Path):
    path = machine(tmp_path / "bin", "git")
    result = make(service, "setup", "UV=.tools/bin/uv", PATH=path)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0].startswith(
        "make: neither uv nor python3 with its venv module was found: install uv"
    )


def test_a_machine_whose_python_is_too_old_is_told_so(service: Path, tmp_path: Path):
    path = machine(tmp_path / "bin", "git")
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\necho 'Python 3.9.2'\n")
    old.chmod(0o755)
    result = make(service, "setup", PATH=path)
    assert result.returncode != 0
    assert "make: no Python 3.11 or newer was found: install one" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_machine_without_node_is_told_so(node_service: Path, tmp_path: Path):
    result = make(node_service, "lint", PATH=machine(tmp_path / "bin", "git"))
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        "make: Node or npm is missing: install Node 22.18 or newer (an even version)"
    )
    assert "Error 3" in result.stderr


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("v8.17.0", False),
        ("v18.20.8", False),
        ("v20.20.2", False),
        ("v22.0.0", False),
        ("v22.17.1", False),
        ("v22.18.0", True),
        ("v22.20.0", True),
        ("v23.11.1", False),
        ("v24.0.0", True),
        ("v24.19.0", True),
        ("v25.2.1", False),
        ("v26.1.0", True),
        ("v30.0.0", True),
    ],
)
def test_the_node_of_a_machine_is_named_when_it_is_not_wanted(
    node_service: Path, tmp_path: Path, version: str, wanted: bool
):
    path = machine(tmp_path / "bin", "git")
    for name in ("node", "npm"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    result = make(node_service, "node", PATH=path)
    assert (result.returncode == 0) == wanted
    if not wanted:
        assert result.stderr.splitlines()[0] == (
            "make: Node 22.18 or newer (an even version) is wanted, "
            f"and {tmp_path}/bin/node is {version}"
        )


def test_a_machine_without_go_is_told_so(generated: dict[str, Path], tmp_path: Path):
    service = shutil.copytree(generated["go"], tmp_path / "svc")
    result = make(service, "lint", PATH=machine(tmp_path / "bin", "git"))
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == "make: Go is missing: install Go 1.26 or newer"
    assert "Error 3" in result.stderr


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("go1.9.7", False),
        ("go1.22.12", False),
        ("go1.25.11", False),
        ("go1.26", True),
        ("go1.26.8", True),
        ("go1.27rc1", True),
        ("go1.30.1", True),
    ],
)
def test_the_go_of_a_machine_is_named_when_it_is_too_old(
    generated: dict[str, Path], tmp_path: Path, version: str, wanted: bool
):
    service = shutil.copytree(generated["go"], tmp_path / "svc")
    path = machine(tmp_path / "bin", "git")
    program = tmp_path / "bin" / "go"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    result = make(service, "go", PATH=path)
    assert (result.returncode == 0) == wanted
    if not wanted:
        assert result.stderr.splitlines()[0] == (
            f"make: Go 1.26 or newer is wanted, and {tmp_path}/bin/go is {version}"
        )


@pytest.mark.verify
def test_a_machine_without_uv_gets_one_in_the_service(service: Path, tmp_path: Path):
    """Only Python, git and make: what somebody has who installed Copier and nothing else."""
    succeed(service, "setup", "UV=.tools/bin/uv")
    assert (service / ".tools" / "bin" / "uv").exists()
    assert (service / ".venv" / "bin" / "ruff").exists()


# What `python3` does on a machine without uv: the second call installs it, here as a program that
# prints what it was asked for.
PYTHON_WITHOUT_UV = """\
#!/bin/sh
case "$*" in
  "-m venv .tools") /bin/mkdir -p .tools/bin && cp "$0" .tools/bin/python ;;
  "-m pip install "*) { echo '#!/bin/sh'; echo 'echo "uv $*"'; } > .tools/bin/uv
    /bin/chmod +x .tools/bin/uv; cp .tools/bin/uv .tools/bin/pre-commit ;;
esac
"""

# Each target that runs the tools of senior-backend, and what it asks of them.
USES_OF_TOOLS = {
    "dev": "postgres up",
    "migrate": "postgres up",
    "db": "postgres up",
    "db-stop": "postgres down",
    "test": "postgres run",
    "lint-sql": "migrations lint",
    "explain": "explain",
    "load-test": "postgres run",
    "load-test-check": "load run",
    "load-test-report": "load report",
}


def packages(service: Path, tree: str) -> list[str]:
    """Arguments for make with which the service's packages count as installed."""
    stamps = STAMPS[TREES[tree].language]
    for stamp in stamps:
        (service / stamp).parent.mkdir(exist_ok=True, parents=True)
        (service / stamp).touch()
    return [f"--old-file={stamp}" for stamp in stamps]


STAMPS = {
    "python": [".venv/.ready"],
    "node": ["node_modules/.installed", "node_modules/.ready"],
    "go": [f"bin/{NAME}", ".tools/.ready", *(f".tools/bin/{name}" for name in go.PROGRAMS)],
}


@pytest.mark.parametrize(
    ("tree", "target"),
    [
        *((tree, target) for tree in LANGUAGES.values() for target in USES_OF_TOOLS),
        # In Python pre-commit is one of its own packages.
        ("express", "hooks"),
        ("go", "hooks"),
    ],
)
def test_whatever_runs_the_tools_gets_uv_first(
    generated: dict[str, Path], tree: str, target: str, tmp_path: Path
):
    """On a machine that has none, and straight away: nothing else was made before."""
    service = shutil.copytree(generated[tree], tmp_path / "svc")
    path = machine(tmp_path / "bin", "git")
    python = tmp_path / "bin" / "python3"
    python.write_text(PYTHON_WITHOUT_UV)
    python.chmod(0o755)
    asked = USES_OF_TOOLS.get(target, "tool install .*pre-commit")
    show = """APP=sh -c 'echo "$$DATABASE_URL"'"""
    done = subprocess.run(
        ["make", "--no-print-directory", *packages(service, tree), show, target],
        cwd=service,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^uv .*{asked}", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("tree", ["express", "go"])
@pytest.mark.parametrize(
    ("target", "variable"),
    [
        ("dev", "DATABASE_URL"),
        ("migrate", "DATABASE_URL"),
        ("test", "TEST_DATABASE_URL"),
    ],
)
def test_with_a_database_of_its_own_a_service_of_another_language_needs_no_uv_and_no_python(
    generated: dict[str, Path], tree: str, tmp_path: Path, target: str, variable: str
):
    service = shutil.copytree(generated[tree], tmp_path / "svc")
    done = subprocess.run(
        ["make", *packages(service, tree), "APP=sh -c :", "TESTS=sh -c :", target],
        cwd=service,
        env=environment(PATH=machine(tmp_path / "bin"), **{variable: "postgresql://x/y"}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_finds_the_uv_of_the_machine(service: Path, tmp_path: Path):
    path = machine(tmp_path / "bin", "git")
    (tmp_path / "bin" / "uv").symlink_to(UV)
    (service / "local.mk").write_text("which:\n\t@: $(info $(UV))\n")
    result = subprocess.run(
        ["make", "which"], cwd=service, env=environment(PATH=path), capture_output=True, text=True
    )
    assert result.stdout.strip() == f"{path}/uv"
