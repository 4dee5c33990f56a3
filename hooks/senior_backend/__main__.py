"""``python -m senior_backend`` is ``senior-backend``."""

from senior_backend.cli import main

if __name__ == "__main__":
    main()
