"""Errors that a person can mend. Everything else that escapes is a bug and shows its traceback.

``SeniorBackendError``
 ├── ``InputError``   bad usage, or input that could not be read           (exit code 2)
 └── ``NotRunError``  the check itself could not run or is not valid       (exit code 3)

The message is one line: the file and line if there is one, the cause, the remedy.
"""


class SeniorBackendError(Exception):
    """An error whose message is meant for the user; see the module's tree."""

    exit_code = 3


class InputError(SeniorBackendError):
    """The command line, a settings file or a file to check is wrong or unreadable."""

    exit_code = 2


class NotRunError(SeniorBackendError):
    """The check could not run: a server would not start, a program is missing."""

    exit_code = 3
