"""The program: ``senior-backend``, and ``python -m senior_backend``.

What a lint printed is printed again, when nothing has changed, before even click is imported.
"""

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process; see ``cli.main``."""
    if sys.argv[1:3] == ["migrations", "lint"]:
        from senior_backend.migrations import cache

        try:
            code = cache.answer(sys.argv[1:])
        except BrokenPipeError:  # as in cli.main
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(3)
        if code is not None:
            sys.exit(code)
    try:
        from senior_backend import cli
    except KeyboardInterrupt:  # as in cli.main
        sys.exit(130)

    # A run is short and keeps most of what it makes; Python would look for garbage after every 700
    # objects, which costs a quarter of the time of a large lint.
    gc.set_threshold(100_000, 20)
    cli.main()


if __name__ == "__main__":
    main()
