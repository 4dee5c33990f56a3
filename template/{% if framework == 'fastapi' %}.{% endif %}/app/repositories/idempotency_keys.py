"""Rows of `idempotency_keys`: which write a key stands for, and the reply it got."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncConnection

from app.repositories.statement import Statement

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Within which a key is unique; `tenant` first, as everywhere."""

    tenant: str
    subject: str
    method: str
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The reply to the first request, and the hash of the body that it had."""

    request_hash: bytes
    status: int
    content_type: str
    location: str | None
    etag: str | None
    body: bytes


class Claim(Enum):
    """What became of an attempt to take a key."""

    TAKEN = "taken"
    IN_PROGRESS = "in progress"


# One statement takes the lock of the key, for this transaction, and stores the reply. Without the
# lock, or when the key is taken already, it does nothing; an expired key is taken over.
_CLAIM = Statement("""
insert into idempotency_keys as held
  (tenant_id, subject, method, route, key,
   request_hash, status, content_type, location, etag, body, expires_at)
select
  :tenant, :subject, :method, :route, :key,
  :request_hash, :status, :content_type, :location, :etag, :body, now() + :kept_for
 where pg_try_advisory_xact_lock(:lock)
on conflict (tenant_id, subject, method, route, key) do update
  set request_hash = excluded.request_hash, status = excluded.status,
      content_type = excluded.content_type, location = excluded.location,
      etag = excluded.etag, body = excluded.body, created_at = now(),
      expires_at = excluded.expires_at
  where held.expires_at <= now()
""")

_FIND = Statement("""
select request_hash, status, content_type, location, etag, body from idempotency_keys
 where tenant_id = :tenant and subject = :subject and method = :method
   and route = :route and key = :key and expires_at > now()
""")

_DELETE_EXPIRED = Statement("""
delete from idempotency_keys
 where ctid = any(array(
   select ctid from idempotency_keys
    where expires_at <= now()
    order by expires_at
    limit :batch
      for update skip locked))
""")


async def claim(
    transaction: AsyncConnection, scope: KeyScope, reply: StoredReply
) -> Claim | StoredReply:
    """Take the key for this transaction and store the reply with it.

    Returns:
        `Claim.TAKEN`: the key is ours, if the transaction commits.
        `Claim.IN_PROGRESS`: another transaction has it, and may yet roll back.
        a stored reply: the key was taken earlier, and this is what was answered.
    """
    names = {
        "tenant": scope.tenant,
        "subject": scope.subject,
        "method": scope.method,
        "route": scope.route,
        "key": scope.key,
    }
    claimed = await _CLAIM.execute(
        transaction,
        **names,
        request_hash=reply.request_hash,
        status=reply.status,
        content_type=reply.content_type,
        location=reply.location,
        etag=reply.etag,
        body=reply.body,
        kept_for=KEPT_FOR,
        lock=_lock_number(scope),
    )
    if claimed.rowcount == 1:
        return Claim.TAKEN
    stored = (await _FIND.execute(transaction, **names)).one_or_none()
    return Claim.IN_PROGRESS if stored is None else StoredReply(*stored)


async def delete_expired(transaction: AsyncConnection, *, batch: int) -> int:
    """Delete at most `batch` expired keys; how many. Several replicas may do so at once."""
    return (await _DELETE_EXPIRED.execute(transaction, batch=batch)).rowcount


def _lock_number(scope: KeyScope) -> int:
    """The advisory lock of a key: 64 bits, so that two keys practically never share one."""
    parts = (scope.tenant, scope.subject, scope.method, scope.route, scope.key)
    digest = sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
