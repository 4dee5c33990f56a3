"""Migrations run on a real PostgreSQL: what the server itself says of locks, rewrites and scans."""
