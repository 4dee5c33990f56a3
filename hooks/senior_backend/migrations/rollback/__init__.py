"""Proof on a real PostgreSQL that a down migration restores what its up changed."""
