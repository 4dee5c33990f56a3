"""SQL text to statements with exact places, by PostgreSQL's own grammar.

Importing this package does not import the parser: that happens when something is parsed.
"""

from senior_backend.sql.decoding import decode
from senior_backend.sql.script import Body, Comment, Script, Statement, Unparsed
from senior_backend.sql.text import Derived, Position, SqlText, Verbatim

__all__ = [
    "Body",
    "Comment",
    "Derived",
    "Position",
    "Script",
    "SqlText",
    "Statement",
    "Unparsed",
    "Verbatim",
    "bodies",
    "body_with_comments",
    "decode",
    "read",
]


def read(text: SqlText) -> Script:
    """Take a text apart into statements, pieces that could not be parsed, and comments.

    Never raises: what cannot be parsed is in ``unparsed`` with its reason.
    """
    from senior_backend.sql import reader

    return reader.read(text)


def bodies(statement: Statement) -> tuple[Body, ...]:
    """The SQL inside a DO, CREATE FUNCTION or CREATE PROCEDURE in SQL or PL/pgSQL, parsed.

    Nothing for other statements and other languages. Never raises.
    """
    from senior_backend.sql import routines

    return routines.bodies(statement)


def body_with_comments(statement: Statement) -> Script | None:
    """The statements that ``bodies`` finds, with the comments among them.

    None where there are no comments, or where the body does not stand in the text as it is.
    """
    if statement.kind not in ("DoStmt", "CreateFunctionStmt"):
        return None
    from senior_backend.sql import routines

    return routines.body_with_comments(statement)
