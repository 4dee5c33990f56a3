-- Types that hold polygons inside, so that GiST indexes on them are real ones.
create type geometry;
create function geometry_in(cstring) returns geometry
  language internal immutable strict parallel safe as 'poly_in';
create function geometry_out(geometry) returns cstring
  language internal immutable strict parallel safe as 'poly_out';
-- Only a number that says that there was one: type modifiers are words here.
create function geometry_typmod_in(cstring[]) returns integer
  language internal immutable strict parallel safe as 'array_ndims';
create type geometry (
  input = geometry_in, output = geometry_out, typmod_in = geometry_typmod_in,
  internallength = variable, alignment = double, storage = main
);
create type geography;
create function geography_in(cstring) returns geography
  language internal immutable strict parallel safe as 'poly_in';
create function geography_out(geography) returns cstring
  language internal immutable strict parallel safe as 'poly_out';
create type geography (
  input = geography_in, output = geography_out, typmod_in = geometry_typmod_in,
  internallength = variable, alignment = double, storage = main
);
create type box2d as (xmin double precision, ymin double precision, xmax double precision, ymax double precision);
create cast (polygon as geometry) without function;
create cast (geometry as polygon) without function;
create cast (polygon as geography) without function;
create cast (geography as polygon) without function;
create cast (geometry as geography) without function as implicit;
create cast (geography as geometry) without function;
create function geometry(geometry, integer, boolean) returns geometry
  language sql immutable strict parallel safe return $1;
create cast (geometry as geometry) with function geometry(geometry, integer, boolean) as implicit;
create function geography(geography, integer, boolean) returns geography
  language sql immutable strict parallel safe return $1;
create cast (geography as geography) with function geography(geography, integer, boolean) as implicit;
create function geometry_overlaps(geometry, geometry) returns boolean
  language internal immutable strict parallel safe as 'poly_overlap';
create function geography_overlaps(geography, geography) returns boolean
  language internal immutable strict parallel safe as 'poly_overlap';
create operator && (leftarg = geometry, rightarg = geometry, function = geometry_overlaps, commutator = &&);
create operator && (leftarg = geography, rightarg = geography, function = geography_overlaps, commutator = &&);
create operator class gist_geometry_ops_2d default for type geometry using gist as
  operator 3 &&,
  function 1 (geometry, geometry) gist_poly_consistent(internal, polygon, smallint, oid, internal),
  function 2 (geometry, geometry) gist_box_union(internal, internal),
  function 3 (geometry, geometry) gist_poly_compress(internal),
  function 5 (geometry, geometry) gist_box_penalty(internal, internal, internal),
  function 6 (geometry, geometry) gist_box_picksplit(internal, internal),
  function 7 (geometry, geometry) gist_box_same(box, box, internal),
  storage box;
create operator class gist_geography_ops default for type geography using gist as
  operator 3 &&,
  function 1 (geography, geography) gist_poly_consistent(internal, polygon, smallint, oid, internal),
  function 2 (geography, geography) gist_box_union(internal, internal),
  function 3 (geography, geography) gist_poly_compress(internal),
  function 5 (geography, geography) gist_box_penalty(internal, internal, internal),
  function 6 (geography, geography) gist_box_picksplit(internal, internal),
  function 7 (geography, geography) gist_box_same(box, box, internal),
  storage box;
create table spatial_ref_sys (
  srid integer primary key, auth_name varchar(256), auth_srid integer, srtext varchar(2048), proj4text varchar(2048)
);
create function st_makepoint(double precision, double precision) returns geometry
  language sql immutable strict parallel safe return polygon(box(point($1, $2), point($1, $2)))::geometry;
create function st_point(double precision, double precision) returns geometry
  language sql immutable strict parallel safe return st_makepoint($1, $2);
create function st_setsrid(geometry, integer) returns geometry language sql immutable strict parallel safe return $1;
create function st_srid(geometry) returns integer language sql immutable strict parallel safe return 4326;
create function st_transform(geometry, integer) returns geometry language sql immutable strict parallel safe return $1;
create function st_geomfromtext(text, integer default 0) returns geometry
  language sql immutable strict parallel safe return st_makepoint(0, 0);
create function st_geogfromtext(text) returns geography
  language sql immutable strict parallel safe return st_makepoint(0, 0)::geography;
create function st_geomfromgeojson(text) returns geometry
  language sql immutable strict parallel safe return st_makepoint(0, 0);
create function st_astext(geometry) returns text language sql immutable strict parallel safe return 'POINT(0 0)';
create function st_asgeojson(geometry) returns text
  language sql immutable strict parallel safe return '{"type": "Point", "coordinates": [0, 0]}';
create function st_x(geometry) returns double precision
  language sql immutable strict parallel safe return (point($1::polygon))[0];
create function st_y(geometry) returns double precision
  language sql immutable strict parallel safe return (point($1::polygon))[1];
create function st_distance(geometry, geometry) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function st_distance(geography, geography) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function st_dwithin(geometry, geometry, double precision) returns boolean
  language sql immutable strict parallel safe return $1 && $2;
create function st_dwithin(geography, geography, double precision) returns boolean
  language sql immutable strict parallel safe return $1 && $2;
create function st_intersects(geometry, geometry) returns boolean
  language sql immutable strict parallel safe return $1 && $2;
create function st_contains(geometry, geometry) returns boolean
  language sql immutable strict parallel safe return $1 && $2;
create function st_within(geometry, geometry) returns boolean
  language sql immutable strict parallel safe return $1 && $2;
create function st_isvalid(geometry) returns boolean language sql immutable strict parallel safe return true;
create function st_area(geometry) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function st_length(geometry) returns double precision
  language sql immutable strict parallel safe return 0::double precision;
create function st_buffer(geometry, double precision) returns geometry
  language sql immutable strict parallel safe return $1;
create function st_centroid(geometry) returns geometry language sql immutable strict parallel safe return $1;
create function st_makeenvelope(double precision, double precision, double precision, double precision, integer default 0)
  returns geometry language sql immutable strict parallel safe
  return polygon(box(point($1, $2), point($3, $4)))::geometry;
