"""One model of a schema. ``model`` is what is known, ``replay`` fills it from operations."""
