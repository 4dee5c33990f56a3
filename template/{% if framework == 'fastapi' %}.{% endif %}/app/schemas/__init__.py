"""Bodies as they travel: what is accepted, and how the domain is shown (camelCase, UTC, `Z`)."""
