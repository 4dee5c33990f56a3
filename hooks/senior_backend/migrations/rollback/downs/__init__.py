"""Downs that are missing: made from the catalogs, in the form of the tool."""
