"""HTTP: what surrounds every request, and the rules all routes share."""
