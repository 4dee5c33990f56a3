set local lock_timeout = '5s';

drop table idempotency_keys;
