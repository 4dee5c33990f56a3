"""``--style``: the kind of API that a framework's tree speaks. The framework decides it."""

from senior_backend.errors import InputError

STYLES = {"graphql": "graphql"}
"""Frameworks whose API is not REST."""

DEFAULT = "rest"


def refuse_unknown(style: str, framework: str) -> None:
    """Check that services of ``framework`` speak ``style``.

    Raises:
        InputError: they do not; the message says what exists.
    """
    spoken = STYLES.get(framework, DEFAULT)
    if style != spoken:
        raise InputError(f"--style {style}: there is no such template; {framework} has: {spoken}")
