"""What a database holds, before and after: catalogs, pg_dump, rows; and what differs."""
