-- A type of its own with a dimension, compared byte by byte; its index methods are B-trees.
create type vector;
create function vector_in(cstring, oid, integer) returns vector
  language internal immutable strict parallel safe as 'textin';
create function vector_out(vector) returns cstring
  language internal immutable strict parallel safe as 'textout';
create function vector_typmod_in(cstring[]) returns integer
  language internal immutable strict parallel safe as 'bpchartypmodin';
create type vector (
  input = vector_in, output = vector_out, typmod_in = vector_typmod_in,
  internallength = variable, storage = external
);
create function vector(vector, integer, boolean) returns vector
  language sql immutable strict parallel safe return $1;
create cast (vector as vector) with function vector(vector, integer, boolean) as implicit;
create function vector_cmp(vector, vector) returns integer
  language internal immutable strict parallel safe as 'byteacmp';
create function vector_lt(vector, vector) returns boolean
  language internal immutable strict parallel safe as 'bytealt';
create function vector_eq(vector, vector) returns boolean
  language internal immutable strict parallel safe as 'byteaeq';
create function vector_gt(vector, vector) returns boolean
  language internal immutable strict parallel safe as 'byteagt';
create operator < (leftarg = vector, rightarg = vector, function = vector_lt, commutator = >);
create operator = (leftarg = vector, rightarg = vector, function = vector_eq, commutator = =);
create operator > (leftarg = vector, rightarg = vector, function = vector_gt, commutator = <);
create function l2_distance(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function cosine_distance(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function inner_product(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create operator <-> (leftarg = vector, rightarg = vector, function = l2_distance, commutator = <->);
create operator <#> (leftarg = vector, rightarg = vector, function = inner_product, commutator = <#>);
create operator <=> (leftarg = vector, rightarg = vector, function = cosine_distance, commutator = <=>);
create access method hnsw type index handler bthandler;
create access method ivfflat type index handler bthandler;
create operator class vector_l2_ops default for type vector using ivfflat as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
create operator class vector_ip_ops for type vector using ivfflat as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
create operator class vector_cosine_ops for type vector using ivfflat as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
create operator class vector_l2_ops for type vector using hnsw as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
create operator class vector_ip_ops for type vector using hnsw as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
create operator class vector_cosine_ops for type vector using hnsw as
  operator 1 <, operator 3 =, operator 5 >, function 1 vector_cmp(vector, vector);
