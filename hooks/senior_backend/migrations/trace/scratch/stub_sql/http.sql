create type http_response as (status integer, content_type varchar, headers text[], content varchar);
create function http_get(varchar) returns http_response language sql return row(200, '', null, '')::http_response;
create function http_post(varchar, varchar, varchar) returns http_response language sql
  return row(200, '', null, '')::http_response;
