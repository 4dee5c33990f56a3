"""The service's Makefile: its targets, the settings it exports, what a bare machine is told."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.make import PATH, UV, environment, make, succeed

SHOW = """\
show:
\t@$(load_env); printf '%s\\n' "$$VALUE"
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, generate) -> Path:
    return generate(tmp_path_factory.mktemp("makefile") / "svc", project_name="payments-api")


@pytest.fixture
def service(generated: Path, tmp_path: Path) -> Path:
    """A service of the test's own, not installed."""
    return shutil.copytree(generated, tmp_path / "svc")


def test_make_alone_lists_every_target(service: Path):
    (service / "local.mk").write_text("ours: ## Do what only we do\n\t@echo ours\n")
    result = make(service)
    assert result.returncode == 0, result.stderr
    listed = [line.split()[1] for line in result.stdout.splitlines()]
    verbs = {"setup", "dev", "db", "migrate", "lint", "test", "build", "clean", "help", "token"}
    assert verbs <= set(listed)
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


@pytest.mark.verify
def test_a_machine_without_uv_gets_one_in_the_service(service: Path, tmp_path: Path):
    """Only Python, git and make: what somebody has who installed Copier and nothing else."""
    succeed(service, "setup", "UV=.tools/bin/uv")
    assert (service / ".tools" / "bin" / "uv").exists()
    assert (service / ".venv" / "bin" / "ruff").exists()


def test_make_finds_the_uv_of_the_machine(service: Path, tmp_path: Path):
    path = machine(tmp_path / "bin", "git")
    (tmp_path / "bin" / "uv").symlink_to(UV)
    (service / "local.mk").write_text("which:\n\t@: $(info $(UV))\n")
    result = subprocess.run(
        ["make", "which"], cwd=service, env=environment(PATH=path), capture_output=True, text=True
    )
    assert result.stdout.strip() == f"{path}/uv"
