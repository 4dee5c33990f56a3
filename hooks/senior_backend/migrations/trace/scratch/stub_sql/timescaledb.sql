create function create_hypertable(
  relation regclass, time_column_name name, partitioning_column name default null, number_partitions integer default null,
  associated_schema_name name default null, associated_table_prefix name default null,
  chunk_time_interval anyelement default null::bigint, create_default_indexes boolean default true,
  if_not_exists boolean default false, partitioning_func regproc default null, migrate_data boolean default false
) returns table (hypertable_id integer, schema_name name, table_name name, created boolean)
  language sql as 'select 1, ''public''::name, $1::text::name, true';
create function by_range(column_name name, partition_interval anyelement default null::bigint)
  returns text language sql as 'select column_name::text';
create function create_hypertable(relation regclass, dimension text, create_default_indexes boolean default true, if_not_exists boolean default false, migrate_data boolean default false)
  returns table (hypertable_id integer, created boolean) language sql as 'select 1, true';
create function add_retention_policy(relation regclass, drop_after interval, if_not_exists boolean default false)
  returns integer language sql return 1;
create function add_compression_policy(hypertable regclass, compress_after interval, if_not_exists boolean default false)
  returns integer language sql return 1;
create function add_continuous_aggregate_policy(continuous_aggregate regclass, start_offset interval, end_offset interval, schedule_interval interval)
  returns integer language sql return 1;
create function time_bucket(bucket_width interval, ts timestamptz) returns timestamptz
  language sql immutable strict return date_bin($1, $2, '2000-01-01'::timestamptz);
create function time_bucket(bucket_width interval, ts timestamp) returns timestamp
  language sql immutable strict return date_bin($1, $2, '2000-01-01'::timestamp);
