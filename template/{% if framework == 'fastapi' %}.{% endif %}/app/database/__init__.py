"""PostgreSQL: addresses, connections, transactions and the health of the server."""
