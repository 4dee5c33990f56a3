"""``--style``: the kind of API. Together with ``--framework`` it names one tree of the template."""

from senior_backend.errors import InputError

TREES = {
    ("fastapi", "rest"): "fastapi",
    ("express", "rest"): "express",
    ("express", "graphql"): "graphql",
    ("go", "rest"): "go",
    ("graphql", "graphql"): "graphql",
}
"""What `framework` and `style` together are to the template, where it calls both the framework."""


def framework_for(style: str, framework: str | None, default: str) -> str:
    """The answer to the template's `framework` that gives services of ``style``.

    Args:
        style: as it was typed.
        framework: as it was typed, None where it was not.
        default: what the template takes then, if that has the style.

    Raises:
        InputError: there are none; the message says what exists.
    """
    if framework is None:
        having = [tree for (_, spoken), tree in TREES.items() if spoken == style]
        if not having:
            known = ", ".join(dict.fromkeys(spoken for _, spoken in TREES))
            raise InputError(f"--style {style}: there is no such style; choose from: {known}")
        framework = default if default in having else having[0]
    tree = TREES.get((framework, style))
    if tree is None:
        raise InputError(
            f"--style {style}: there is no such template; {framework} has: {_spoken(framework)}"
            + "".join(_elsewhere(style))
        )
    return tree


def _spoken(framework: str) -> str:
    return ", ".join(style for name, style in TREES if name == framework) or "rest"


def _elsewhere(style: str) -> list[str]:
    having = [name for name, spoken in TREES if spoken == style]
    return [f", and {style} is there with --framework {' or '.join(having)}"] if having else []
