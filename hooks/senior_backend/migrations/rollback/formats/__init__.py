"""Proofs of rollbacks as they are shown: on a terminal, as Markdown, as JSON."""
