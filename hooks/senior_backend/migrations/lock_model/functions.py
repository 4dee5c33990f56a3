"""Whether an expression may give each row another value: the volatility of what it calls."""

from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import Expression, Name

_VOLATILE = """
    array_sample array_shuffle clock_timestamp currval gen_random_bytes gen_random_uuid gen_salt
    lastval nextval pg_sleep random random_normal set_config setseed setval timeofday
    uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7
"""
VOLATILE = frozenset(_VOLATILE.split())
"""Of PostgreSQL (pg_proc.provolatile), pgcrypto and uuid-ossp, those that a default may call."""

_STEADY = """
    abs age array_append array_cat array_fill array_length array_position array_prepend
    array_remove
    array_replace array_to_json array_to_string ascii bit_length bool btrim cardinality
    ceil ceiling char_length character_length chr concat concat_ws convert_from convert_to
    current_catalog current_database current_date current_role current_schema current_schemas
    current_setting current_time current_timestamp current_user date date_add date_bin date_part
    date_subtract date_trunc daterange decode degrees digest div encode exp extract float4 float8
    floor format gcd get_bit get_byte greatest hmac host initcap int2 int4 int4range int8 int8range
    interval isfinite json_build_array json_build_object json_object jsonb_build_array
    jsonb_build_object jsonb_object jsonb_set jsonb_strip_nulls justify_days justify_hours
    justify_interval lcm least left length ln localtime localtimestamp log log10 lower lpad ltrim
    make_date make_interval make_time make_timestamp make_timestamptz md5 mod normalize now numeric
    numrange octet_length overlay pi position power quote_ident quote_literal quote_nullable radians
    regexp_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right
    round row_to_json rpad rtrim session_user setweight sha224 sha256 sha384 sha512 sign split_part
    sqrt starts_with statement_timestamp string_to_array strip strpos substr substring text time
    timestamp timestamptz timezone to_ascii to_char to_date to_hex to_json to_jsonb to_number
    to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trunc tsrange tstzrange
    txid_current unistr upper user uuid_generate_v3 uuid_generate_v5 uuid_nil varchar width_bucket
"""
STEADY = frozenset(_STEADY.split())
"""Immutable and stable functions that a default may call: one value for the whole statement."""


def volatility(expression: Expression, catalog: Catalog) -> tuple[bool | None, str]:
    """Whether it is volatile; None with the functions on which it depends when not known."""
    unknown = []
    for function in expression.functions:
        answer = _is_volatile(function, catalog)
        if answer:
            return True, ""
        if answer is None:
            unknown.append(f"{function}()")
    if unknown:
        return None, f"whether {' and '.join(dict.fromkeys(unknown))} is volatile"
    return False, ""


def _is_volatile(function: Name, catalog: Catalog) -> bool | None:
    known = catalog.functions.get(catalog.key(function))
    if known is not None:
        if known.volatility != "volatile":
            return False
        return None if known.language.lower() == "sql" else True  # its body may be inlined
    if function.schema not in (None, "pg_catalog", "public", "extensions"):
        return None
    if function.name in VOLATILE:
        return True
    if function.name in STEADY or function.schema == "pg_catalog":
        return False
    return None
