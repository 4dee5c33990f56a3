"""Where the files that are not code lie: the template and the reference guides.

In a checkout they stand in its root, in an installed wheel inside the package.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = PACKAGE.parent.parent
_WHEEL = PACKAGE / "_bundle"


def checkout() -> Path | None:
    """The root of the checkout that this code runs from, or None for an installed copy."""
    return _CHECKOUT if (_CHECKOUT / "copier.yml").is_file() else None


def path(name: str) -> Path:
    """The path of ``references``, ``copier.yml``, ``template`` or ``extensions``."""
    return (checkout() or _WHEEL) / name
