"""Whether an expression may give each row another value."""

from senior_backend.catalog import functions
from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import Expression


def is_volatile(expression: Expression, catalog: Catalog) -> tuple[bool | None, str]:
    """By the functions that it calls; None, with those on which it depends, when not known."""
    unknown = []
    for function in expression.functions:
        kind = functions.volatility(catalog, function)
        if kind == "volatile":
            return True, ""
        if kind is None:
            unknown.append(f"{function}()")
    if unknown:
        return None, f"whether {' and '.join(dict.fromkeys(unknown))} is volatile"
    return False, ""
