#!/usr/bin/env python3
"""``senior-backend load run`` from a checkout: see ``python scripts/api_load_tester.py --help``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hooks"))

try:
    from senior_backend.cli import main
except ModuleNotFoundError as error:
    print(
        f"api_load_tester: {error.name} is not installed: pip install -r requirements.txt",
        file=sys.stderr,
    )
    sys.exit(3)

if __name__ == "__main__":
    main(["load", "run", *sys.argv[1:]])
