"""The command in a process of its own, and a template small enough to see at a glance."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.fixtures.template import commit_all, git

Run = Callable[..., subprocess.CompletedProcess[str]]

QUESTIONS = """\
_subdirectory: template
_envops: {undefined: jinja2.StrictUndefined}
project_name:
  type: str
  default: x
  validator: "{% if project_name != project_name | lower %}Use lower case{% endif %}"
port: {type: int, default: 80}
"""
ANSWERS_FILE = "template/{{ _copier_conf.answers_file }}.jinja"


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def tree(root: Path) -> dict[str, bytes | None]:
    """Every path below ``root`` with its content, folders as None."""
    return {
        p.relative_to(root).as_posix(): p.read_bytes() if p.is_file() else None
        for p in sorted(root.rglob("*"))
        if ".git" not in p.relative_to(root).parts
    }


def call(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``senior-backend ARGUMENTS`` in ``cwd``, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "senior_backend", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("new", "svc", ...)`` in ``tmp_path`` unless ``cwd`` says otherwise."""
    return partial(call, cwd=tmp_path)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with releases v1.0.0 and v1.1.0, a pre-release, and a broken one, v9.0.0b1."""
    root = tmp_path_factory.mktemp("tiny") / "the template"  # a space: addresses must be quoted
    write(
        root,
        {
            "copier.yml": QUESTIONS,
            ANSWERS_FILE: "{{ _copier_answers | to_nice_yaml -}}",
            "template/settings.jinja": "name={{ project_name }}\n\na=1\n\nb=1\n\nc=1\n",
            "template/same": "same\n",
        },
    )
    commit_all(root, "one")
    git(root, "tag", "v1.0.0")
    write(
        root,
        {
            "copier.yml": QUESTIONS + "colour: {type: str, default: red}\n",
            "template/settings.jinja": "name={{ project_name }}\n\na=1\n\nb=2\n\nc=1\n",
            "template/colour.jinja": "{{ colour }}\n",
        },
    )
    commit_all(root, "two")
    git(root, "tag", "v1.1.0")
    git(root, "tag", "v2.0.0rc1")
    write(root, {"template/a": "new\n", "template/z.jinja": "{{ no_such_answer }}\n"})
    commit_all(root, "broken")
    git(root, "tag", "v9.0.0b1")
    git(root, "reset", "--quiet", "--hard", "v1.1.0")
    write(root, {"template/later": "later\n"})
    commit_all(root, "three, not released")
    return root
