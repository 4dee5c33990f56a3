"""Checks of a repository's files that pre-commit runs on every commit.

A check is one module with the three names of ``check.Check``: what it is called, what it does in a
line, and a function from the tree to what was found. A further check is a module of that shape, a
name in ``command.CHECKS``, a hook in ``.pre-commit-hooks.yaml`` and a page in ``references/``.
"""
