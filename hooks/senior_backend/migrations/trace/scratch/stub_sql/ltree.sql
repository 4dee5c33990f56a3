create domain ltree as text;
create domain lquery as text;
create function nlevel(ltree) returns integer language sql immutable strict
  return cardinality(string_to_array($1::text, '.'));
create function subpath(ltree, integer, integer) returns ltree language sql immutable strict
  return array_to_string((string_to_array($1::text, '.'))[$2 + 1:$2 + $3], '.')::ltree;
