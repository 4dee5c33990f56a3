"""One settings file with one section a tool.

It is ``senior-backend.toml`` in the repository's root, or the tables ``[tool.senior-backend.*]`` of
its ``pyproject.toml``. A tool describes its section as a dataclass; ``load`` fills it. What the
file says and the dataclass does not know is refused with its place, because a misspelt setting
that is silently ignored is worse than none.
"""

from senior_backend.config.settings_file import SETTINGS_FILE, load, place

__all__ = ["SETTINGS_FILE", "load", "place"]
