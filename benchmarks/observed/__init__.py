"""The lock model measured on public migrations."""
