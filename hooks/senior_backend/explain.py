"""``senior-backend explain ID``: a rule's page from the reference guides, no tool imported."""

import difflib

import click

from senior_backend import bundle
from senior_backend.errors import InputError


@click.command()
@click.argument("rule", metavar="ID", required=False)
def explain(rule: str | None) -> None:
    """Print the reference page of a rule; without ID, list them all."""
    pages = {p.stem: p for p in sorted(bundle.path("references").glob("*/*.md"))}
    if rule is None:
        for name, page in pages.items():
            title = page.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
            click.echo(f"{name}  {title}")
        return
    if rule not in pages:
        near = difflib.get_close_matches(rule, pages, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "`senior-backend explain` lists them"
        raise InputError(f"no rule '{rule}'; {hint}")
    click.echo(pages[rule].read_text(encoding="utf-8").rstrip("\n"))
