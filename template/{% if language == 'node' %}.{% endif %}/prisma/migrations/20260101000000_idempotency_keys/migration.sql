set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table idempotency_keys (
  tenant_id    text        not null,
  subject      text        not null,
  method       text        not null,
  route        text        not null,
  key          text        not null,
  request_hash bytea       not null,
  status       smallint    not null,
  content_type text        not null,
  location     text,
  etag         text,
  body         bytea       not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  constraint idempotency_keys_pkey primary key (tenant_id, subject, method, route, key)
);

-- The service deletes what has expired, oldest first.
create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);
