"""A finding and its fix, both run on a real PostgreSQL and shown side by side."""
