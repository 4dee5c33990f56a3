"""``senior-backend update``: edits are kept, conflicts are listed, nothing is lost."""

import shutil
from pathlib import Path

import pytest

from senior_backend.scaffold.update import newest_release
from tests.fixtures.template import commit_all, git
from tests.scaffold.conftest import Run, call, tree, write


@pytest.fixture(scope="module")
def monorepo(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A repository with a committed service of the first release in ``services/pay``."""
    root = tmp_path_factory.mktemp("monorepo")
    write(root, {"README": "a monorepo\n"})
    commit_all(root, "one")
    done = call("new", "services/pay", "--from", tiny, "--ref", "v1.0.0", cwd=root)
    assert done.returncode == 0, done.stderr
    commit_all(root, "Start the service")
    return root


@pytest.fixture
def service(monorepo: Path, tmp_path: Path) -> Path:
    """The service in a copy of the monorepo at ``tmp_path``."""
    shutil.copytree(monorepo, tmp_path, dirs_exist_ok=True)
    return tmp_path / "services" / "pay"


def commit(service: Path, message: str) -> None:
    """In the repository around the service, where ``commit_all`` would make a new one."""
    git(service, "add", "--all", ".")
    git(service, "commit", "--quiet", "--message", message)


def edit(service: Path, old: str, new: str) -> None:
    settings = service / "settings"
    settings.write_text(settings.read_text().replace(old, new))
    commit(service, "An edit of ours")


def test_an_edit_elsewhere_in_the_file_is_kept(
    run: Run, tmp_path: Path, tiny: Path, service: Path
) -> None:
    edit(service, "c=1", "c=ours")
    done = run("update", "services/pay")
    address = f"git+file://{tiny}".replace(" ", "%20")
    assert (done.returncode, done.stderr) == (0, f"{address}: v1.0.0 -> v1.1.0\n")
    assert done.stdout == (
        "v1.0.0 -> v1.1.0: 3 files changed, no conflicts; "
        "see git diff, run make setup lint test, then commit\n"
    )
    assert (service / "settings").read_text() == "name=pay\n\na=1\n\nb=2\n\nc=ours\n"
    assert (service / "colour").read_text() == "red\n"


def test_conflicts_are_listed_by_line_and_exit_1(run: Run, service: Path) -> None:
    edit(service, "b=1", "b=ours")
    done = run("update", cwd=service)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "settings:5: <<<<<<< before updating",
        "settings:7: =======",
        "settings:9: >>>>>>> after updating",
        (
            "v1.0.0 -> v1.1.0: 3 files changed, 1 with conflicts; "
            "keep what is right, delete the markers, then commit"
        ),
    ]


def test_paths_are_shown_from_here(run: Run, service: Path) -> None:
    edit(service, "b=1", "b=ours")
    done = run("update", "services/pay")
    assert done.stdout.startswith("services/pay/settings:5: <<<<<<< before updating\n")


def test_an_answer_can_be_changed_and_a_new_question_answered(run: Run, service: Path) -> None:
    done = run("update", "--set", "project_name=billing", "--set", "colour=blue", cwd=service)
    assert done.returncode == 0
    assert (service / "settings").read_text().startswith("name=billing\n")
    assert (service / "colour").read_text() == "blue\n"


def test_what_is_current_stays_as_it_is(run: Run, tmp_path: Path, service: Path) -> None:
    assert run("update", cwd=service).returncode == 0
    commit_all(tmp_path, "Update")
    before = tree(tmp_path)
    done = run("update", cwd=service)
    assert (done.returncode, done.stdout) == (0, "v1.1.0 is current; nothing changed\n")
    assert tree(tmp_path) == before


def test_a_commit_that_is_not_released_can_be_taken(run: Run, service: Path) -> None:
    done = run("update", "--ref", "HEAD", cwd=service)
    assert done.returncode == 0
    assert (service / "later").read_text() == "later\n"


def test_a_template_without_releases_is_followed_by_its_commits(run: Run, tmp_path: Path) -> None:
    template = tmp_path / "template"
    write(template, {"copier.yml": "project_name: x\n", "{{ _copier_conf.answers_file }}.jinja":
                     "{{ _copier_answers | to_nice_yaml -}}", "a": "1\n"})  # fmt: skip
    commit_all(template, "one")
    assert run("new", "svc", "--from", template).returncode == 0
    commit_all(tmp_path / "svc", "Start")
    write(template, {"a": "2\n"})
    commit_all(template, "two")
    done = run("update", "svc")
    assert (done.returncode, (tmp_path / "svc" / "a").read_text()) == (0, "2\n"), done.stderr


def test_work_outside_the_service_does_not_stop_its_update(
    run: Run, tmp_path: Path, service: Path
) -> None:
    write(tmp_path, {"README": "being edited\n"})
    assert run("update", cwd=service).returncode == 0
    assert (tmp_path / "README").read_text() == "being edited\n"


def test_rejected_hunks_are_conflicts(run: Run, service: Path) -> None:
    """Copier does not write them in this mode; a template's merge by hand may."""
    from senior_backend.scaffold import update

    write(service, {"settings.rej": "@@\n"})
    (found,) = update._conflicts(service, "settings.rej")
    assert (found.path, found.line) == ("settings.rej", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "colr=blue"], "the template has no question 'colr'; did you mean 'colour'?"),
        (["--set", "colour"], "'colour' is no answer; write it as KEY=VALUE"),
        (["--set", "project_name=Pay"], "--project-name: Use lower case"),
        (["--ref", "v7"],
         "--ref v7: {address} has no such tag, branch or commit; name one that exists"),
    ],
)  # fmt: skip
def test_refused_answers_change_nothing(
    run: Run, tiny: Path, service: Path, arguments: list[str], message: str
) -> None:
    before = tree(service)
    done = run("update", *arguments, cwd=service)
    address = f"git+file://{tiny}".replace(" ", "%20")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"senior-backend: {message.format(address=address)}"
    assert tree(service) == before
    assert git(service, "status", "--porcelain") == ""


def test_a_service_newer_than_the_wanted_version_is_told_so(run: Run, service: Path) -> None:
    run("update", cwd=service)
    commit(service, "Update")
    done = run("update", "--ref", "v1.0.0", cwd=service)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "senior-backend: the service is at 1.1.0, newer than 1.0.0; "
        "name a newer one: --ref HEAD takes the newest commit\n"
    )


def test_a_dirty_service_is_refused_and_its_work_kept(run: Run, service: Path) -> None:
    write(service, {"settings": "being edited\n", "new/file": "new\n"})
    done = run("update", cwd=service)
    assert done.returncode == 2
    assert done.stderr == (
        "senior-backend: . has uncommitted changes (settings, new/file); commit or stash them, "
        "so that the update can be told from your work\n"
    )
    assert (service / "settings").read_text() == "being edited\n"


@pytest.mark.parametrize(
    ("files", "directory", "message"),
    [
        ({}, "none", "none: no such directory"),
        ({"a": ""}, ".", (". has no .copier-answers.yml; "
         "run this in the top folder of a generated service")),
        ({".copier-answers.yml": "a: 1\n"}, ".",
         (".copier-answers.yml: does not name the template's Git address and version "
         "(_src_path, _commit); restore the file from Git")),
        ({".copier-answers.yml": "_src_path: x\n_commit: 2020-13-45\n"}, ".",
         ".copier-answers.yml: cannot be read: month must be in 1..12"),
        ({".copier-answers.yml": "_src_path: x\n_commit: y\n8: z\n"}, ".",
         ". is not in a Git repository; run this inside one, or `git init` first"),
    ],
)  # fmt: skip
def test_what_is_no_service_is_refused(
    run: Run, tmp_path: Path, files: dict[str, str], directory: str, message: str
) -> None:
    write(tmp_path, files)
    done = run("update", directory)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"senior-backend: {message}\n")


def test_an_update_that_stops_half_way_says_how_to_go_back(run: Run, service: Path) -> None:
    before = tree(service)
    done = run("update", "--ref", "v9.0.0b1", cwd=service)
    assert done.returncode == 3
    message = done.stderr.splitlines()[-1]
    assert "'no_such_answer' is undefined; it stopped half-way" in message
    remedy = message.split("with: ")[1]
    assert remedy == "cd . && git restore --staged --worktree . && git clean -fd ."
    assert tree(service) != before
    for command in remedy.split(" && ")[1:]:
        git(service, *command.split()[1:])
    assert tree(service) == before


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        (["v1.0.0", "v1.10.0", "v1.9.0"], "v1.10.0"),
        (["1.0", "1.0.1"], "1.0.1"),
        (["v1.0.0", "v2.0.0rc1", "v2.0.0-beta", "nightly"], "v1.0.0"),
        (["nightly"], None),
        ([], None),
    ],
)
def test_the_newest_release(tags: list[str], newest: str | None) -> None:
    assert newest_release(f"{'a' * 40}\trefs/tags/{tag}" for tag in tags) == newest


def test_the_real_template_moves_its_hooks_and_keeps_edits(
    run: Run, tmp_path: Path, template_repository: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", template_repository, template)
    assert run("new", "svc", "--from", template).returncode == 0
    service = tmp_path / "svc"
    write(service, {"README.md": (service / "README.md").read_text() + "\nOur own words.\n"})
    commit_all(service, "Start")
    old = git(template, "rev-parse", "HEAD")
    write(template, {"template/NEW.md": "From the newer template.\n"})
    new = commit_all(template, "Newer")
    git(template, "tag", "v1.1.0")

    done = run("update", "svc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("v1.0.0 -> v1.1.0: ")
    assert (service / "NEW.md").is_file()
    assert (service / "README.md").read_text().endswith("\nOur own words.\n")
    hooks = (service / ".pre-commit-config.yaml").read_text()
    assert new in hooks
    assert old not in hooks
