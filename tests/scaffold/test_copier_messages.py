"""What Copier 9 and Git print when they fail, and the one line that a user gets for it."""

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.scaffold.copier_process import explain
from senior_backend.scaffold.source import Source

TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n'


@pytest.mark.parametrize(
    ("stderr", "error", "message"),
    [
        (
            TRACEBACK + "ValueError: Validation error for question 'project_name': Use\nlower case",
            InputError,
            "--project-name: Use lower case",
        ),
        (
            TRACEBACK + "ValueError: Invalid choice for 'ci': 'x' is not in ['github', 'none']",
            InputError,
            "--ci: 'x' is not in ['github', 'none']",
        ),
        (
            TRACEBACK + 'ValueError: Question "owner" is required',
            InputError,
            "--owner: the template has no default; give it",
        ),
        (
            TRACEBACK + "ProcessExecutionError: Unexpected exit code: 128\n"
            "Command line: | /usr/bin/git worktree add -- /tmp/x v7\n"
            "Stderr:       | fatal: invalid reference: v7\n",
            InputError,
            "--ref v7: gh:org/x has no such tag, branch or commit; name one that exists",
        ),
        (
            TRACEBACK + "Command line: | /usr/bin/git worktree add -- /tmp/x v0.9.0\n"
            "Stderr:       | fatal: invalid reference: v0.9.0\n",
            InputError,
            (
                "gh:org/x no longer has v0.9.0, the _commit of .copier-answers.yml; "
                "write one that it has there, and commit it"
            ),
        ),
        (
            TRACEBACK + "Command line: | /usr/bin/git ls-remote\n"
            "Stderr:       | fatal: unable to access 'https://h/x.git/': Could not resolve host: h",
            NotRunError,
            (
                "Copier could not use gh:org/x: "
                "unable to access 'https://h/x.git/': Could not resolve host: h"
            ),
        ),
        (
            "Stderr:       | fatal: detected dubious ownership in repository at '/srv/x/.git'\n",
            NotRunError,
            (
                "Git refuses gh:org/x, which belongs to another user; trust it with: "
                "git config --global --add safe.directory /srv/x/.git"
            ),
        ),
        (
            "Template uses potentially unsafe feature: tasks.\nIf you trust this template, ...",
            NotRunError,
            "gh:org/x wants to run code of its own; read it, then run `copier --trust`",
        ),
        (
            "You are downgrading from 1.2.0.post2.dev0+abc to 1.2.0. Downgrades are ...",
            InputError,
            (
                "the service is at 1.2.0.post2.dev0+abc, newer than 1.2.0; "
                "name a newer one: --ref HEAD takes the newest commit"
            ),
        ),
        (
            TRACEBACK + "SomeError: what nobody foresaw\n",
            NotRunError,
            "Copier could not use gh:org/x: SomeError: what nobody foresaw",
        ),
        ("", NotRunError, "Copier could not use gh:org/x: it gave no reason"),
    ],
)
def test_one_line(stderr: str, error: type[Exception], message: str) -> None:
    explained = explain(stderr, Source("gh:org/x", "v7"))
    assert (type(explained), str(explained)) == (error, message)
