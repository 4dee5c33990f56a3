"""Use cases: they open transactions and decide; they know nothing of HTTP and no SQL."""
