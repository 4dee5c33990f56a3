"""``senior-backend new``: what it makes, what it refuses, and that a failure leaves nothing."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from senior_backend.scaffold import styles
from senior_backend.scaffold.command import asked
from tests.fixtures import permissions
from tests.fixtures.template import ROOT, commit_all, git
from tests.scaffold.conftest import Run, tree, write

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def answers(service: Path) -> dict[str, object]:
    document = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert isinstance(document, dict)
    return document


def test_a_service_of_the_real_template(
    run: Run, tmp_path: Path, template_repository: Path
) -> None:
    done = run(
        "new", "services/payments-api", "--from", template_repository,
        "--framework", "fastapi", "--style", "rest", "--license", "MIT", "--author", "A: {{ 1 }}",
        "--answer", "ci=none",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    service = tmp_path / "services" / "payments-api"
    assert answers(service) == {
        "_commit": "v1.0.0",
        "_src_path": f"git+file://{template_repository}",
        "author": "A: {{ 1 }}",
        "cache": "none",
        "ci": "none",
        "database": "postgres",
        "description": "An HTTP API on PostgreSQL",
        "example": "orders",
        "framework": "fastapi",
        "license": "MIT",
        "project_name": "payments-api",
    }
    assert (service / "Makefile").is_file()
    assert git(service, "symbolic-ref", "HEAD") == "refs/heads/main"
    first, _, *steps = done.stdout.splitlines()
    assert re.fullmatch(
        rf"\d+ files in services/payments-api from git\+file://{template_repository}, "
        r"version v1\.0\.0",
        first,
    )
    assert [step.split("  #")[0].strip() for step in steps] == [
        "Next:",
        "cd services/payments-api",
        "git add . && git commit -m 'Start payments-api'",
        "make setup",
        "make dev",
        "make test",
        "make hooks",
    ]


@pytest.mark.parametrize(
    ("style", "framework", "named"),
    [
        ("rest", None, "fastapi"),
        ("rest", "express", "express"),
        ("rest", "go", "go"),
        ("graphql", None, "graphql"),
        ("graphql", "express", "graphql"),
        ("graphql", "graphql", "graphql"),
    ],
)
def test_style_and_framework_together_name_a_tree(
    style: str, framework: str | None, named: str
) -> None:
    assert styles.framework_for(style, framework, "fastapi") == named


def test_every_tree_of_the_template_has_a_style() -> None:
    assert set(styles.TREES.values()) == set(asked()["framework"].choices)


def test_a_graphql_service(run: Run, tmp_path: Path, template_repository: Path) -> None:
    given = ["--framework", "express", "--style", "graphql"]
    done = run("new", "svc", "--from", template_repository, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert answers(tmp_path / "svc")["framework"] == "graphql"


def test_the_module_of_a_go_service(run: Run, tmp_path: Path, template_repository: Path) -> None:
    given = ["--framework", "go", "--go-module", "github.com/acme/payments"]
    done = run("new", "svc", "--from", template_repository, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "module github.com/acme/payments\n" in (tmp_path / "svc" / "go.mod").read_text()


def test_no_other_service_has_one(run: Run, tmp_path: Path, template_repository: Path) -> None:
    done = run("new", "svc", "--from", template_repository, "--go-module", "example.com/svc")
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not ask 'go_module' here" in done.stderr
    assert tree(tmp_path) == {}


def test_a_template_without_a_makefile_gets_no_make_steps(run: Run, tiny: Path) -> None:
    done = run("new", "svc", "--from", tiny)
    assert done.stdout.splitlines() == [
        f"4 files in svc from git+file://{str(tiny).replace(' ', '%20')}, version v1.1.0",
        "",
        "Next:",
        "  cd svc",
        "  git add . && git commit -m 'Start svc'  # updates need a commit",
    ]


def test_ref_chooses_the_version(run: Run, tmp_path: Path, tiny: Path) -> None:
    assert run("new", "svc", "--from", tiny, "--ref", "v1.0.0").returncode == 0
    assert answers(tmp_path / "svc")["_commit"] == "v1.0.0"


def test_help_shows_every_question_with_its_choices(run: Run) -> None:
    shown = run("new", "--help").stdout
    assert "--framework [fastapi|express|go|graphql]" in shown
    assert "--example [orders|none]" in shown
    assert "--database [postgres|neon|supabase]" in shown
    assert "--cache [none|redis]" in shown
    assert "--ci [github|gitlab|none]" in shown
    assert "--project-name TEXT" in shown
    assert "--go-module TEXT" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["svc", "--framework", "rails"],
         "--framework rails: there is no such choice; choose from: fastapi, express, go, graphql"),
        (["svc", "--framework", "fastap"],
         ("--framework fastap: there is no such choice; did you mean 'fastapi'? "
         "choose from: fastapi, express, go, graphql")),
        (["svc", "--style", "grpc"],
         "--style grpc: there is no such style; choose from: rest, graphql"),
        (["svc", "--style", "grpc", "--framework", "express"],
         "--style grpc: there is no such template; express has: rest, graphql"),
        (["svc", "--style", "graphql", "--framework", "fastapi"],
         ("--style graphql: there is no such template; fastapi has: rest, "
          "and graphql is there with --framework express or graphql")),
        (["svc", "--style", "rest", "--framework", "graphql"],
         ("--style rest: there is no such template; graphql has: graphql, "
          "and rest is there with --framework fastapi or express or go")),
        (["svc", "--answer", "licence=MIT"],
         "the template has no question 'licence'; did you mean 'license'?"),
        (["svc", "--answer", "language=go"],
         ("the template has no question 'language'; it asks: author, cache, ci, database, "
         "description, example, framework, go_module, license, project_name")),
        (["svc", "--answer", "MIT"], "'MIT' is no answer; write it as KEY=VALUE"),
        (["svc", "--license", "MIT", "--answer", "license=none"],
         "'license' is answered twice; keep one"),
        (["Svc", "--from", "{tiny}"],
         ("--project-name: Use lower case. The folder's name 'Svc' cannot be it: "
          "give --project-name")),
        (["svc", "--from", "{tiny}", "--project-name", "Svc"], "--project-name: Use lower case"),
        (["svc", "--from", "{tiny}", "--answer", "port=x"],
         "an answer has the wrong form: invalid literal for int() with base 10: 'x'"),
        (["svc", "--from", "{tiny}", "--license", "MIT"],
         ("git+file://{address} at v1.1.0 does not ask 'license' here; "
         "it asks: colour, port, project_name")),
        (["svc", "--from", "{tiny}", "--ref", "v7"],
         "--ref v7: git+file://{address} has no such tag, branch or commit; name one that exists"),
        (["svc", "--from", "./none"],
         ("--from ./none: no such folder and no Git address; "
         "give gh:OWNER/NAME, a Git URL or a local repository")),
        (["full", "--from", "{tiny}"],
         ("{here}/full is not empty (a, b, c, ...); "
         "choose a directory that is empty or does not exist")),
        (["file", "--from", "{tiny}"],
         "{here}/file is a file; choose a directory that does not exist"),
        (["file/svc", "--from", "{tiny}"],
         "{here}/file is a file, so {here}/file/svc cannot be made in it"),
        (["link", "--from", "{tiny}"],
         "{here}/link is a link to nowhere; remove it or choose another directory"),
        (["service", "--from", "{tiny}"],
         "{here}/service is a generated service already; run `senior-backend update` in it"),
        (["/proc/svc", "--from", "{tiny}"],
         "cannot write to /proc/svc: No such file or directory; choose another directory"),
    ],
)  # fmt: skip
def test_refusals(run: Run, tmp_path: Path, tiny: Path, arguments: list[str], message: str) -> None:
    write(tmp_path, {f"full/{n}": "mine" for n in "abcd"})
    write(tmp_path, {"file": "mine", "service/.copier-answers.yml": "mine"})
    (tmp_path / "link").symlink_to("nowhere")
    before = tree(tmp_path)
    done = run("new", *(a.format(tiny=tiny) for a in arguments))
    said = message.format(here=tmp_path, address=str(tiny).replace(" ", "%20"))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"senior-backend: {said}\n")
    assert tree(tmp_path) == before


def test_an_unknown_flag_is_refused_with_the_nearest_one(run: Run, tmp_path: Path) -> None:
    done = run("new", "svc", "--frmaework", "fastapi")
    assert done.returncode == 2
    assert "No such option '--frmaework'. Did you mean '--framework'?" in done.stderr
    assert tree(tmp_path) == {}


def test_an_unwritable_parent_is_refused(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = subprocess.run(
        [sys.executable, "-m", "senior_backend", "new", "locked/svc", "--from", str(tiny)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=permissions.give_up,
    )
    assert done.returncode == 2
    assert "Permission denied; choose another directory" in done.stderr


NOT_THERE = (
    "Copier could not use git+file:///no/such/repository: "
    "'/no/such/repository' does not appear to be a git repository"
)
BROKEN = (
    "Copier could not use git+file://{address}: "
    "jinja2.exceptions.UndefinedError: 'no_such_answer' is undefined"
)


@pytest.mark.parametrize(
    ("directory", "arguments", "message"),
    [
        ("a/b/svc", ["--from", "git+file:///no/such/repository"], NOT_THERE),
        ("a/b/svc", ["--from", "{tiny}", "--ref", "v9.0.0b1"], BROKEN),
        ("empty", ["--from", "{tiny}", "--ref", "v9.0.0b1"], BROKEN),
        ("cloned", ["--from", "{tiny}", "--ref", "v9.0.0b1"], BROKEN),
    ],
)
def test_a_failure_half_way_leaves_nothing_behind(
    run: Run, tmp_path: Path, tiny: Path, directory: str, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "cloned").mkdir()
    git(tmp_path / "cloned", "init", "--quiet")
    before = tree(tmp_path)
    done = run("new", directory, *(a.format(tiny=tiny) for a in arguments))
    said = message.format(address=str(tiny).replace(" ", "%20"))
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"senior-backend: {said}\n")
    assert tree(tmp_path) == before
    assert git(tmp_path / "cloned", "rev-parse", "--git-dir") == ".git"


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, tiny: Path) -> None:
    slow = tmp_path / "bin" / "git"  # Copier's clone takes for ever, as over a dead line
    write(tmp_path, {"bin/git": f'#!/bin/sh\n[ "$1" = clone ] && sleep 60\nexec {GIT} "$@"\n'})
    slow.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "senior_backend", "new", "a/svc", "--from", tiny],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "a").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does on Ctrl-C
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 3
    assert stderr == "senior-backend: stopped by the user before it was done\n"
    assert not (tmp_path / "a").exists()


GIT = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()


def test_without_copier_the_remedy_is_named(tmp_path: Path, tiny: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'copier' else find(n, *a)\n"
        "from senior_backend.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "new", "svc", "--from", tiny],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    (pinned,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]["scaffold"]
    assert (done.returncode, done.stderr) == (
        3,
        (
            "senior-backend: Copier is not installed in this environment; "
            f"add it: pip install '{pinned}'\n"
        ),
    )
    assert tree(tmp_path) == {}


def test_a_file_in_the_way_of_copiers_import_is_not_run(
    run: Run, tmp_path: Path, tiny: Path
) -> None:
    write(tmp_path, {"copier.py": "raise SystemExit('not me')", "yaml.py": "raise SystemExit(9)"})
    done = subprocess.run(
        [Path(sys.executable).with_name("senior-backend"), "new", "svc", "--from", tiny],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- Git around the service ----------------------------------------------------------------------


def test_the_first_commit_can_be_made_too(run: Run, tmp_path: Path, tiny: Path) -> None:
    done = run("new", "svc", "--from", tiny, "--git", "commit", **IDENTITY)
    assert done.returncode == 0
    assert git(tmp_path / "svc", "status", "--porcelain") == ""
    assert "git commit" not in done.stdout


def test_a_commit_by_nobody_is_refused_before_the_work(
    run: Run, tmp_path: Path, tiny: Path
) -> None:
    nobody = {**dict.fromkeys(IDENTITY, ""), "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = run("new", "svc", "--from", tiny, "--git", "commit", **nobody)
    assert done.returncode == 3
    assert done.stderr.startswith("senior-backend: git var failed in")
    assert tree(tmp_path) == {}


def test_a_commit_that_git_refuses_leaves_nothing_behind(
    run: Run, tmp_path: Path, tiny: Path
) -> None:
    signed = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "commit.gpgsign",
              "GIT_CONFIG_VALUE_0": "true", "GIT_CONFIG_KEY_1": "gpg.program",
              "GIT_CONFIG_VALUE_1": "/bin/false"}  # fmt: skip
    done = run("new", "svc", "--from", tiny, "--git", "commit", **IDENTITY, **signed)
    assert done.returncode == 3
    assert done.stderr.startswith("senior-backend: git commit failed in")
    assert not (tmp_path / "svc").exists()


def test_git_can_be_left_alone(run: Run, tmp_path: Path, tiny: Path) -> None:
    done = run("new", "svc", "--from", tiny, "--git", "none")
    assert not (tmp_path / "svc" / ".git").exists()
    assert "git init -b main" in done.stdout


@pytest.mark.parametrize("step", ["init", "commit"])
def test_inside_a_repository_no_repository_is_made(
    run: Run, tmp_path: Path, tiny: Path, step: str
) -> None:
    write(tmp_path, {"README": "a monorepo"})
    head = commit_all(tmp_path, "one")
    done = run("new", "services/pay", "--from", tiny, "--git", step)
    assert done.returncode == 0
    assert not (tmp_path / "services" / "pay" / ".git").exists()
    assert git(tmp_path, "rev-parse", "HEAD") == head
    assert git(tmp_path, "status", "--porcelain") == "?? services/"


def test_inside_the_templates_own_clone_the_service_has_its_own_repository(
    run: Run, tmp_path: Path, tiny: Path
) -> None:
    clone = tmp_path / "senior-backend"
    git(tmp_path, "clone", "--quiet", str(tiny), str(clone))
    done = run("new", "services/pay", "--from", clone, "--git", "commit", cwd=clone, **IDENTITY)
    assert done.returncode == 0, done.stderr
    assert git(clone / "services" / "pay", "rev-list", "--count", "HEAD") == "1"
    assert git(clone, "status", "--porcelain") == "?? services/"


def test_from_within_a_git_hook_the_hooks_repository_is_left_alone(
    run: Run, tmp_path: Path, tiny: Path
) -> None:
    write(tmp_path / "hooked", {"README": "has a hook"})
    head = commit_all(tmp_path / "hooked", "one")
    pinned = {"GIT_DIR": str(tmp_path / "hooked/.git"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    assert run("new", "svc", "--from", tiny, **pinned).returncode == 0
    assert (tmp_path / "svc" / ".git").is_dir()
    assert git(tmp_path / "hooked", "rev-parse", "HEAD") == head


def test_a_new_clone_counts_as_empty(run: Run, tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "svc").mkdir()
    git(tmp_path / "svc", "init", "--quiet", "--initial-branch", "trunk")
    assert run("new", ".", "--from", tiny, cwd=tmp_path / "svc").returncode == 0
    assert answers(tmp_path / "svc")["project_name"] == "svc"
    assert git(tmp_path / "svc", "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_a_remote_template_needs_no_home_to_write_to(run: Run, tmp_path: Path, tiny: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", tiny, bare)
    git(bare, "update-server-info")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/bare.git"
        home = {"HOME": "/proc/none", "XDG_CACHE_HOME": ""}
        done = run("new", "svc", "--from", address, **home)
        server.shutdown()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_local_template_is_taken_as_it_is_now(run: Run, tmp_path: Path) -> None:
    """Not as a mirror of an earlier run has it: another branch is checked out meanwhile."""
    template = tmp_path / "template"
    write(template, {"copier.yml": "q: 1\n", "{{ _copier_conf.answers_file }}.jinja":
                     "{{ _copier_answers | to_nice_yaml -}}"})  # fmt: skip
    commit_all(template, "one")
    assert run("new", "one", "--from", template).returncode == 2  # q is all it asks
    git(template, "switch", "--quiet", "--create", "topic")
    write(template, {"copier.yml": "project_name: x\n", "new": "new\n"})
    commit_all(template, "two")
    assert run("new", "two", "--from", template).returncode == 0
    assert (tmp_path / "two" / "new").is_file()
