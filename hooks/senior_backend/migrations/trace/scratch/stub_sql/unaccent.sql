create function unaccent(text) returns text language sql stable strict return $1;
