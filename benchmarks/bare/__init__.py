"""The peers: the least one can write that answers the same requests with the same documents.

They check no token, keep no Idempotency-Key, limit, log and count nothing. Each is one file, run by
the service's own interpreter (`python FILE`) with DATABASE_URL, DATABASE_POOL_MAX, PORT and TENANT.
"""
