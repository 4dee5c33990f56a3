"""The commands of the service: `python -m app [serve | migrate | openapi | token]`.

Exit codes: 0 done; 1 it failed; 2 the arguments or the environment are wrong.
Each command imports only what it needs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

DEVELOPMENT_DIRECTORY = Path(".dev")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    options = _parser().parse_args(arguments)
    from app.settings import ConfigurationError  # noqa: PLC0415

    try:
        match options.command:
            case "migrate":
                return _migrate(options.down)
            case "openapi":
                return _openapi()
            case "token":
                return _token(options)
            case _:
                return _serve()
    except ConfigurationError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="serve the API (the default)")
    migrate = commands.add_parser("migrate", help="bring the database to the newest revision")
    migrate.add_argument(
        "--down", metavar="REVISION", help="take back all revisions after this one (base: all)"
    )
    commands.add_parser("openapi", help="print the OpenAPI document")
    token = commands.add_parser("token", help="print a bearer token for development")
    token.add_argument("--tenant", default="acme", help="default: %(default)s")
    token.add_argument("--subject", default="developer", help="default: %(default)s")
    token.add_argument("--scope", help="space-separated; default: every scope of the service")
    return parser


def _serve() -> int:
    from app.server import PortTaken, serve  # noqa: PLC0415
    from app.settings import Settings  # noqa: PLC0415

    try:
        return serve(Settings.from_environment())
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 1


def _migrate(down_to: str | None) -> int:
    import logging  # noqa: PLC0415

    from alembic.util import CommandError  # noqa: PLC0415
    from asyncpg.exceptions import InterfaceError, PostgresError  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from app.database.errors import driver_error  # noqa: PLC0415
    from app.database.migrations import migrate  # noqa: PLC0415
    from app.database.url import parse_database_url  # noqa: PLC0415
    from app.settings import MigrationSettings  # noqa: PLC0415

    settings = MigrationSettings.from_environment()
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
    try:
        migrate(settings.url, down_to=down_to)
    except (CommandError, DBAPIError) as error:
        print(f"migrate: {driver_error(error) or error}", file=sys.stderr)
        return 1
    except (OSError, PostgresError, InterfaceError) as error:  # it came to no connection
        print(
            f"migrate: cannot connect to {parse_database_url(settings.url)}: {error};"
            f" start the server, or mend {settings.variable}",
            file=sys.stderr,
        )
        return 1
    return 0


def _openapi() -> int:
    from app.application import describe_api  # noqa: PLC0415

    document = describe_api().openapi()
    print(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
    return 0


def _token(options: argparse.Namespace) -> int:
    from app.auth.development import mint_token  # noqa: PLC0415
    from app.auth.tokens import TokenRules  # noqa: PLC0415
    from app.http.route import scopes_of  # noqa: PLC0415
    from app.routes import ROUTERS  # noqa: PLC0415
    from app.settings import TokenSettings  # noqa: PLC0415

    settings = TokenSettings.from_environment()
    scopes = options.scope.split() if options.scope is not None else scopes_of(ROUTERS)
    rules = TokenRules(
        settings.oidc_issuer, settings.oidc_audience, settings.tenant_claim, settings.scope_claim
    )
    print(
        mint_token(
            DEVELOPMENT_DIRECTORY,
            rules,
            tenant=options.tenant,
            subject=options.subject,
            scopes=scopes,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
