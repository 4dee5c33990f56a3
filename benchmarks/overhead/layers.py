"""The layers of the service whose cost is told apart; `without_layer.py` takes each one out."""

# Name for `without_layer.py` -> what it is, as the table says it.
LAYERS = {
    "token": "bearer token (remembered by its hash once verified)",
    "rate-limit": "rate limit, by address and by principal",
    "input-checks": "length, media type, strict JSON, unknown query names",
    "idempotency": "Idempotency-Key: one more statement in the transaction",
    "edge": "request id, traceparent, common headers",
    "timeout": "request timeout, last catch of errors",
    "metrics": "Prometheus counter and histogram",
    "access-log": "access log, one JSON line a request",
}
EVERY_LAYER = "all of these"
