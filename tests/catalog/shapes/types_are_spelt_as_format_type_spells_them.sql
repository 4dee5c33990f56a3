create table t (a int, b int2, c bigint, d float4, e float8, f varchar(20), g varchar,
  h char, i char(3), j text, k numeric, l numeric(10), m numeric(10,2), n timestamp,
  o timestamptz(3), p time, q timetz, r interval, s interval day to second(3),
  t bit(3), u varbit(8), v "char", w uuid, x jsonb, y int[], z varchar(4)[],
  aa bool, ab date, ac bytea, ad inet, ae bpchar, af interval(2), ag text[][],
  ah timestamp(0) without time zone, ai float(20), aj decimal(4,1), ak dec, al bit,
  am name, an int4range, ao tsvector, ap point, aq money, ar xml, "as" oid);
