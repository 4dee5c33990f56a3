create domain hstore as jsonb;
create function hstore(text, text) returns hstore language sql immutable
  return jsonb_build_object($1, $2)::hstore;
