-- Volatility and strictness as in pgcrypto: they decide whether a default rewrites the table.
create function gen_random_uuid() returns uuid language internal volatile parallel safe as 'gen_random_uuid';
create function gen_random_bytes(integer) returns bytea language sql volatile strict parallel safe
  return (select decode(coalesce(string_agg(lpad(to_hex((random() * 255)::integer), 2, '0'), ''), ''), 'hex')
          from generate_series(1, $1));
create function digest(bytea, text) returns bytea language sql immutable strict parallel safe
  return case lower($2) when 'md5' then decode(md5($1), 'hex') when 'sha224' then sha224($1)
         when 'sha384' then sha384($1) when 'sha512' then sha512($1) else sha256($1) end;
create function digest(text, text) returns bytea language sql immutable strict parallel safe
  return digest(convert_to($1, 'UTF8'), $2);
create function hmac(bytea, bytea, text) returns bytea language sql immutable strict parallel safe
  return digest($2 || $1, $3);
create function hmac(text, text, text) returns bytea language sql immutable strict parallel safe
  return digest($2 || $1, $3);
create function crypt(text, text) returns text language sql immutable strict parallel safe
  return $2 || md5($1 || $2);
create function gen_salt(text) returns text language sql volatile strict parallel safe
  return '$' || $1 || '$' || md5(random()::text);
create function gen_salt(text, integer) returns text language sql volatile strict parallel safe
  return '$' || $1 || '$' || $2 || '$' || md5(random()::text);
create function encrypt(bytea, bytea, text) returns bytea language sql immutable strict parallel safe return $1;
create function decrypt(bytea, bytea, text) returns bytea language sql immutable strict parallel safe return $1;
create function encrypt_iv(bytea, bytea, bytea, text) returns bytea language sql immutable strict parallel safe return $1;
create function decrypt_iv(bytea, bytea, bytea, text) returns bytea language sql immutable strict parallel safe return $1;
create function pgp_sym_encrypt(text, text) returns bytea language sql volatile strict parallel safe
  return convert_to($1, 'UTF8');
create function pgp_sym_encrypt(text, text, text) returns bytea language sql volatile strict parallel safe
  return convert_to($1, 'UTF8');
create function pgp_sym_decrypt(bytea, text) returns text language sql immutable strict parallel safe
  return convert_from($1, 'UTF8');
create function pgp_sym_decrypt(bytea, text, text) returns text language sql immutable strict parallel safe
  return convert_from($1, 'UTF8');
create function armor(bytea) returns text language sql immutable strict parallel safe
  return encode($1, 'base64');
create function dearmor(text) returns bytea language sql immutable strict parallel safe
  return decode($1, 'base64');
