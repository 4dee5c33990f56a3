"""The parts of the migration linter's benchmark."""
