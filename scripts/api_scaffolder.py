#!/usr/bin/env python3
"""``senior-backend new`` from a checkout: see ``python scripts/api_scaffolder.py --help``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hooks"))

from senior_backend.cli import main

if __name__ == "__main__":
    main(["new", *sys.argv[1:]])
