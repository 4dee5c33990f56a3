create function sign(payload json, secret text, algorithm text default 'HS256') returns text
  language sql immutable return md5(payload::text || secret);
create function verify(token text, secret text, algorithm text default 'HS256')
  returns table (header json, payload json, valid boolean)
  language sql immutable as 'select ''{}''::json, ''{}''::json, true';
create function url_encode(data bytea) returns text language sql immutable return encode(data, 'base64');
create function url_decode(data text) returns bytea language sql immutable return decode(data, 'base64');
