"""The migration tool.

A folder's ``Migration`` becomes statements, statements become operations, operations become
``Effect``s (``lock_model``), and ``rules`` turn operation, effect and catalog into hazards, for
which ``fixes`` know the safe form. ``lint`` is the loop; ``command`` the command line.
"""
