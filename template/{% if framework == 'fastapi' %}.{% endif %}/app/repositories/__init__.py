"""SQL, and nothing else: functions that take a connection and the tenant, and give domain values.

Every statement names `tenant_id`; the caller opens the connection or the transaction.
"""
