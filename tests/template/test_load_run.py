"""`make load-test`, part by part: what is started and stopped, and what the tool is asked for.

The service and the tool are stand-ins here, so nothing is installed; test_load_services.py has the
real ones.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.make import environment, make
from tests.template.trees import TREES

# The `.venv/bin/python` of a service that does as BEHAVIOUR says. `-c` is Python's own.
STAND_IN = f"""\
#!{sys.executable}
import http.server, json, os, signal, sys
if sys.argv[1] == "-c":
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
behaviour = os.environ.get("BEHAVIOUR", "")
command = sys.argv[3] if len(sys.argv) > 3 else "serve"
if behaviour == f"no {{command}}":
    sys.exit(f"{{command}} is impossible")
if command != "serve":
    sys.exit()
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, lambda *_: sys.exit())

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(1)
        self.send_response(503 if behaviour == "never ready" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

with open("service.json", "w") as file:
    json.dump({{"pid": os.getpid(), **os.environ}}, file)
if behaviour == "talks":
    print("a warning", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, generate) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("load")
    return {
        tree: generate(folder / tree, framework=tree, project_name="payments-api") for tree in TREES
    }


@pytest.fixture
def service(generated: dict[str, Path], tmp_path: Path) -> Path:
    """A service of the test's own, with a stand-in for its Python."""
    directory = shutil.copytree(generated["fastapi"], tmp_path / "svc")
    python = directory / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(STAND_IN)
    python.chmod(0o755)
    return directory


SH = ["sh"]


@pytest.fixture(params=["sh", "bash"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """The system's shell, and bash as macOS has it under that name."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"needs {request.param}")
    return [program] if request.param == "sh" else [program, "--posix"]


def start(
    service: Path, shell: list[str], *command: str, **variables: str
) -> subprocess.Popen[str]:
    """The script, in a process group of its own as a terminal would start it."""
    return subprocess.Popen(
        [*shell, "loadtest/run.sh", *command],
        cwd=service,
        env=environment(DATABASE_URL="postgresql://127.0.0.1:1/thrown_away", **variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    service: Path, shell: list[str], *command: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    with start(service, shell, *command, **variables) as process:
        output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def started_as(service: Path) -> dict[str, str]:
    """The environment of the service that was started last, and its `pid`."""
    return json.loads((service / "service.json").read_text())


def progress(service: Path) -> str:
    """What the script says on the way to the command."""
    port = started_as(service)["PORT"]
    return (
        f"load-test: starting the service on port {port}\n"
        f"load-test: ready, loading http://127.0.0.1:{port}\n"
    )


def lives(service: Path) -> bool:
    try:
        os.kill(int(started_as(service)["pid"]), 0)
    except ProcessLookupError:
        return False
    return True


def shorten(service: Path, limit: str) -> None:
    """Make one of the script's limits a second."""
    script = service / "loadtest" / "run.sh"
    lines = script.read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines) if line.startswith(f"{limit}=")]
    lines[number] = f"{limit}=1"
    script.write_text("\n".join(lines) + "\n")


def test_the_command_is_told_where_the_service_is_and_its_exit_code_is_kept(
    service: Path, shell: list[str]
):
    done = run(service, shell, "sh", "-c", 'printf "%s|" "$@"; exit 7', "load", "a b")
    assert done.returncode == 7
    port = started_as(service)["PORT"]
    assert done.stdout == f"a b|--target|http://127.0.0.1:{port}|"
    assert done.stderr == progress(service)
    assert not lives(service)


def test_the_service_is_ready_before_the_command_begins(service: Path):
    code = "import sys, urllib.request as r; print(r.urlopen(sys.argv[2] + '/readyz').status)"
    done = run(service, SH, sys.executable, "-c", code)
    assert (done.returncode, done.stdout) == (0, "200\n")


SETTINGS = {
    "APP_ENV": "development",
    "LOG_LEVEL": "warning",
    "RATE_LIMIT_PER_MINUTE": "0",
    "DATABASE_URL": "postgresql://127.0.0.1:1/thrown_away",
    "DATABASE_DIRECT_URL": "",
    "DATABASE_POOLED": "false",
    "OIDC_ISSUER": "http://localhost/development",
    "OIDC_JWKS_URL": "file:.dev/jwks.json",
}


def test_the_service_has_settings_for_load_whatever_the_env_file_says(service: Path):
    theirs = {name: "theirs" for name in SETTINGS if name != "DATABASE_URL"}
    own = {"DATABASE_POOL_MAX": "7", "PORT": "8000", "METRICS_PORT": "9000"}
    assert run(service, SH, "true", **theirs, **own).returncode == 0
    seen = started_as(service)
    assert {name: seen[name] for name in SETTINGS} == SETTINGS
    assert seen["DATABASE_POOL_MAX"] == "7", "what load has no say in"
    assert len({seen["PORT"], seen["METRICS_PORT"], "8000", "9000"}) == 4


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("no token", "no development keys"),
        ("no migrate", "the database could not be migrated"),
        ("no serve", "the service did not start"),
    ],
)
def test_a_service_that_does_not_start_is_shown_with_what_it_said(
    service: Path, shell: list[str], behaviour: str, reason: str
):
    done = run(service, shell, "echo", "never", BEHAVIOUR=behaviour)
    assert (done.returncode, done.stdout) == (3, "")
    starting, *lines = done.stderr.splitlines()
    assert starting.startswith("load-test: starting the service on port ")
    assert lines == [
        f"{behaviour.removeprefix('no ')} is impossible",
        f"load-test: {reason}; the whole log is in results/service.log",
    ]


def test_a_service_that_is_never_ready_is_given_up(service: Path):
    shorten(service, "START_S")
    done = run(service, SH, "echo", "never", BEHAVIOUR="never ready")
    assert (done.returncode, done.stdout) == (3, "")
    assert "load-test: the service was not ready within 1 s" in done.stderr
    assert not lives(service)


def test_a_service_that_hears_no_signal_is_killed(service: Path, shell: list[str]):
    shorten(service, "STOP_S")
    assert run(service, shell, "true", BEHAVIOUR="deaf").returncode == 0
    assert not lives(service)


def test_a_service_that_ends_under_load_is_named(service: Path):
    die = (
        "import contextlib, sys, urllib.request as r\n"
        "with contextlib.suppress(OSError): r.urlopen(sys.argv[2] + '/die')"
    )
    done = run(service, SH, sys.executable, "-c", die)
    assert done.returncode == 0, "the command decides"
    assert "load-test: the service ended during the test" in done.stderr


def test_what_the_service_says_is_pointed_to(service: Path):
    done = run(service, SH, "true", BEHAVIOUR="talks")
    said = "load-test: the service had something to say: results/service.log\n"
    assert done.stderr == progress(service) + said
    assert (service / "results" / "service.log").read_text() == "a warning\n"


# Stands for the tool: says that it began, and after Ctrl-C what it has measured.
INTERRUPTED = """\
import os, signal, sys, time
def report(*_):
    os.write(1, b"reported\\n")
    os._exit(130)
signal.signal(signal.SIGINT, report)
print("began", flush=True)
time.sleep(60)
"""


def test_control_c_lets_the_command_report_and_stops_the_service(service: Path, shell: list[str]):
    with start(service, shell, sys.executable, "-c", INTERRUPTED) as process:
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (130, "reported\n", progress(service))
    assert not lives(service)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_to_the_script_alone_takes_effect_when_the_command_has_ended(
    service: Path, shell: list[str], number: signal.Signals, code: int
):
    wait = "import sys; print('began', flush=True); sys.stdin.read()"
    with start(service, shell, sys.executable, "-c", wait) as process:
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        process.send_signal(number)
        assert lives(service)
        process.communicate(timeout=30)
    assert process.returncode == code
    assert not lives(service)


def test_without_a_database_nothing_is_started(service: Path):
    done = subprocess.run(
        [*SH, "loadtest/run.sh", "true"],
        cwd=service,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "DATABASE_URL: names no database; make load-test starts one" in done.stderr
    assert not (service / "service.json").exists()


UV = """\
#!/bin/sh
printf '%s|' "$@"
"""
FILES = "--output|results/load-test.json|--html|results/load-test.html|"


@pytest.fixture
def uv(tmp_path: Path) -> str:
    """An argument for make: a uv that prints what it is asked for."""
    program = tmp_path / "uv"
    program.write_text(UV)
    program.chmod(0o755)
    return f"UV={program}"


def load_test(service: Path, uv: str, *arguments: str, **variables: str) -> str:
    """What `make load-test` asks for, in a service whose packages count as installed."""
    (service / ".venv" / ".ready").touch()
    done = make(service, uv, "--old-file=.venv/.ready", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), ""),
        (("RATE=500",), "--rate|500|"),
        (("DURATION=5m",), "--duration|5m|"),
        (("RATE=30/m", "DURATION=1h"), "--rate|30/m|--duration|1h|"),
        (("ARGS=--arrivals poisson --quiet",), "--arrivals|poisson|--quiet|"),
        (("RATE=5", "ARGS=--quiet"), "--rate|5|--quiet|"),
    ],
)
def test_variables_of_make_become_flags_of_the_tool(
    service: Path, uv: str, arguments: tuple[str, ...], asked: str
):
    scenario = f"load|run|loadtest/scenario.yml|{FILES}{asked}"
    line = load_test(service, uv, "load-test", *arguments)
    assert "|senior-backend|postgres|run|--env|DATABASE_URL|--|loadtest/run.sh|" in line
    assert line.endswith(f"|senior-backend|{scenario}")
    target = "TARGET=https://staging.example.com/api"
    line = load_test(service, uv, "load-test", target, *arguments)
    assert "|postgres|run|" not in line
    assert line.endswith(f"|senior-backend|{scenario}--target|https://staging.example.com/api|")


@pytest.mark.parametrize("target", ["", "TARGET=https://staging.example.com"])
def test_what_takes_long_the_first_time_is_named_before_it_begins(
    service: Path, uv: str, target: str
):
    (service / ".venv" / ".ready").touch()
    done = make(service, uv, "--old-file=.venv/.ready", "load-test", *filter(None, [target]))
    starting = [] if target else ["load-test: starting PostgreSQL"]
    lines = [line for line in done.stderr.splitlines() if line.startswith("load-test: ")]
    assert lines == ["load-test: installing the tool, if it is not there yet", *starting]


def test_a_tool_that_cannot_be_installed_is_no_failed_threshold(service: Path, tmp_path: Path):
    (service / ".venv" / ".ready").touch()
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    program.chmod(0o755)
    done = make(service, f"UV={program}", "--old-file=.venv/.ready", "load-test")
    assert "no network\nload-test: the tool could not be installed\n" in done.stderr
    assert "load-test] Error 3" in done.stderr


@pytest.mark.parametrize("target", ["load-test", "load-test-check", "load-test-report"])
def test_what_only_the_load_tester_needs_is_installed_for_it_alone(
    service: Path, uv: str, target: str
):
    assert "|senior-backend[load,postgres] @ git+" in load_test(service, uv, target)
    assert "|senior-backend[postgres] @ git+" in load_test(service, uv, "lint-sql")
    checkout = "SENIOR_BACKEND=/path/to/checkout"
    assert "|/path/to/checkout[load,postgres]|" in load_test(service, uv, target, checkout)
    assert "|/path/to/checkout[postgres]|" in load_test(service, uv, "lint-sql", checkout)


def test_the_database_of_development_is_never_loaded(service: Path, uv: str):
    theirs = "postgresql://theirs@127.0.0.1:1/production"
    (service / ".env").write_text(f"DATABASE_URL={theirs}\n")
    assert theirs not in load_test(service, uv, "load-test", DATABASE_URL=theirs)


DOCKER = """\
#!/bin/sh
echo "$*" >> docker.log
case "$*" in "compose port database 5432") echo 127.0.0.1:49153 ;; esac
"""


def test_with_compose_it_has_a_database_of_its_own_that_is_removed(
    service: Path, uv: str, tmp_path: Path
):
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    script = service / "loadtest" / "run.sh"
    script.write_text('#!/bin/sh\necho "$DATABASE_URL $1" >> docker.log; exit 7\n')
    (service / ".venv" / ".ready").touch()
    path = f"{tmp_path / 'bin'}{os.pathsep}{environment()['PATH']}"
    arguments = (uv, "--old-file=.venv/.ready", "load-test", "DB=compose")
    done = make(service, *arguments, PATH=path)
    assert "Error 7" in done.stderr
    psql = "compose exec -T database psql --quiet --username=postgres --command="
    assert (service / "docker.log").read_text().splitlines() == [
        "compose up --detach --wait --quiet-pull database",
        "compose port database 5432",
        f"{psql}drop database if exists load_test with (force)",
        f"{psql}create database load_test",
        f"postgresql://postgres:postgres@127.0.0.1:49153/load_test {tmp_path / 'uv'}",
        f"{psql}drop database load_test with (force)",
    ]


@pytest.mark.parametrize("result", [None, '{"version": 1, "valid": false}', ""])
def test_what_is_no_valid_result_becomes_no_baseline(service: Path, result: str | None):
    if result is not None:
        (service / "results").mkdir()
        (service / "results" / "load-test.json").write_text(result)
    done = make(service, "load-test-baseline")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "make: results/load-test.json is no valid result: run make load-test first"
    )
    assert not (service / "loadtest" / "baseline.json").exists()


@pytest.mark.parametrize("result", ['{"version":1,"valid":true}', '{\n  "valid": true\n}\n'])
def test_the_last_result_becomes_the_baseline_and_is_then_compared_with(
    service: Path, uv: str, result: str
):
    shown = "|--baseline|loadtest/baseline.json|"
    assert shown not in load_test(service, uv, "load-test")
    (service / "results").mkdir()
    (service / "results" / "load-test.json").write_text(result)
    assert make(service, "load-test-baseline").returncode == 0
    assert (service / "loadtest" / "baseline.json").read_text() == result
    assert shown in load_test(service, uv, "load-test")
    assert shown in load_test(service, uv, "load-test-report")


@pytest.mark.parametrize("kept", ["results/load-test.json", "loadtest/baseline.json"])
@pytest.mark.parametrize("tree", TREES)
def test_what_load_tests_write_is_no_change_of_the_service(
    generated: dict[str, Path], tree: str, kept: str
):
    """`copier update` wants none."""
    ignored = subprocess.run(["git", "check-ignore", "--quiet", kept], cwd=generated[tree])
    assert ignored.returncode == 0
