-- One statement takes the lock of the key, for this transaction, and stores the reply. Without the lock,
-- or when the key is taken already, it does nothing; an expired key is taken over.
-- name: ClaimKey :execrows
insert into idempotency_keys as held
  (tenant_id, subject, method, route, key,
   request_hash, status, content_type, location, etag, body, expires_at)
select
  @tenant_id::text, @subject::text, @method::text, @route::text, @key::text,
  @request_hash::bytea, @status::smallint, @content_type::text,
  sqlc.narg(location)::text, sqlc.narg(etag)::text, @body::bytea, now() + interval '24 hours'
 where pg_try_advisory_xact_lock(@lock_number::bigint)
on conflict (tenant_id, subject, method, route, key) do update
  set request_hash = excluded.request_hash, status = excluded.status,
      content_type = excluded.content_type, location = excluded.location,
      etag = excluded.etag, body = excluded.body, created_at = now(),
      expires_at = excluded.expires_at
  where held.expires_at <= now();

-- The server's clock decides here too: by that of this process a key could be both held and gone.
-- name: FindStoredReply :one
select request_hash, status, content_type, location, etag, body
  from idempotency_keys
 where tenant_id = @tenant_id and subject = @subject and method = @method
   and route = @route and key = @key and expires_at > now();

-- Several processes may do so at once.
-- name: DeleteExpiredKeys :execrows
delete from idempotency_keys
 where ctid = any(array(
   select ctid from idempotency_keys
    where expires_at <= now()
    order by expires_at
    limit @batch::integer
      for update skip locked));
