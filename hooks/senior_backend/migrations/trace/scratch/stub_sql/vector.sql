-- A type of its own with a dimension, compared byte by byte. Its index methods are hash indexes:
-- the planner of 14 to 17 takes no B-tree of another name.
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
create function vector_eq(vector, vector) returns boolean
  language internal immutable strict parallel safe as 'byteaeq';
create function vector_hash(vector) returns integer
  language internal immutable strict parallel safe as 'hashvarlena';
create operator = (leftarg = vector, rightarg = vector, function = vector_eq, commutator = =, hashes);
create function l2_distance(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function cosine_distance(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function inner_product(vector, vector) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create operator <-> (leftarg = vector, rightarg = vector, function = l2_distance, commutator = <->);
create operator <#> (leftarg = vector, rightarg = vector, function = inner_product, commutator = <#>);
create operator <=> (leftarg = vector, rightarg = vector, function = cosine_distance, commutator = <=>);
create access method hnsw type index handler hashhandler;
create access method ivfflat type index handler hashhandler;
create operator class vector_l2_ops default for type vector using ivfflat as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_ip_ops for type vector using ivfflat as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_cosine_ops for type vector using ivfflat as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_l2_ops for type vector using hnsw as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_ip_ops for type vector using hnsw as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_cosine_ops for type vector using hnsw as
  operator 1 =, function 1 vector_hash(vector);
create operator class vector_l1_ops for type vector using hnsw as
  operator 1 =, function 1 vector_hash(vector);
