"""Migrations run and watched: the session that migrates, those that look on, what they see."""
