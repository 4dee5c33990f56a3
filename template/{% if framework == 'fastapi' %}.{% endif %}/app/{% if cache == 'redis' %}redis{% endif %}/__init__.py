"""What all replicas share through Redis: one rate limit, and values that are read often."""
