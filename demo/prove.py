"""The proof of a migration and its fix, as a person sees it: made in a folder that is gone after.

Everything shown is real: the command is the one a person types, in a terminal of its own. ``--svg
FILE`` also writes what was shown as a picture.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 120
FILES = {
    "db/migrations/00001_orders.sql": """\
-- +goose Up
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, total numeric NOT NULL);
-- +goose Down
DROP TABLE orders, customers;
""",
    "db/migrations/00002_orders_of_customers.sql": """\
-- +goose Up
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey
  FOREIGN KEY (customer_id) REFERENCES customers (id);
-- +goose Down
ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
DROP INDEX orders_customer_id_idx;
""",
}
COMMAND = "senior-backend migrations lint --prove db/migrations/00002_orders_of_customers.sql"


def shown(command: str, directory: Path) -> str:
    """What a command prints to a terminal of ``WIDTH`` columns."""
    ours, theirs = pty.openpty()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
        "COLUMNS": str(WIDTH),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with subprocess.Popen(
        command.split(), cwd=directory, env=environment, stdout=theirs, stdin=subprocess.DEVNULL
    ):
        os.close(theirs)
        pieces = []
        try:
            while piece := os.read(ours, 65_536):
                pieces.append(piece)
        except OSError:  # the end, on Linux
            pass
        os.close(ours)
    return b"".join(pieces).decode().replace("\r\n", "\n").rstrip("\n")


def main() -> None:
    """Make the folder, run the command, show what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--svg", type=Path, help="also write what was shown as a picture")
    arguments = parser.parse_args()
    console = Console(record=arguments.svg is not None, width=WIDTH, highlight=False)
    with tempfile.TemporaryDirectory(prefix="senior-backend-demo-") as directory:
        subprocess.run(["git", "init", "-q"], cwd=directory, check=True)
        for name, content in FILES.items():
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        console.print(f"[bold green]$[/] [bold]{COMMAND}[/]")
        started = time.monotonic()
        console.print(Text.from_ansi(shown(COMMAND, Path(directory))))
        # Not in the picture: it says more of this machine's load than of the tool.
        print(f"{time.monotonic() - started:.1f} s", file=sys.stderr)
    if arguments.svg:
        # Without its web fonts: a picture in a README must not call other hosts.
        title = "a finding, its fix, and both on a real PostgreSQL"
        picture = re.sub(
            r"@font-face \{.*?\}", "", console.export_svg(title=title), flags=re.DOTALL
        )
        arguments.svg.write_text(picture)


if __name__ == "__main__":
    main()
