"""Rows made up for a table on the server itself: what it allows, values by type, the INSERT."""
