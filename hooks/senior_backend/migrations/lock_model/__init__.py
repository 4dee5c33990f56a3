"""What PostgreSQL does for an operation: which locks, rewrites, scans and index builds.

The model may only say what PostgreSQL does (tests hold it to recorded observations of 14 to 18),
or that it cannot be known.
"""
