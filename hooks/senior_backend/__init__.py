"""Senior backend judgment in tools: see ``senior-backend --help``."""

__version__ = "0.1.0"
