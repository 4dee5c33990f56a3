"""New services from the template, and newer patterns into existing ones, by driving Copier."""
