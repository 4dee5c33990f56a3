"""Names as SQL text. Source: PostgreSQL documentation, "SQL Key Words" (PostgreSQL 18)."""

import re

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
# All key words but the "non-reserved": as quote_ident() does, names like these get quotes.
_KEYWORDS = """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_catalog current_date current_role current_time current_timestamp
    current_user default deferrable desc distinct do else end except false fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime localtimestamp
    not null offset on only or order placing primary references returning select session_user some
    symmetric system_user table then to trailing true union unique user using variadic when where
    window with authorization binary collation concurrently cross current_schema freeze full ilike
    inner is isnull join left like natural notnull outer overlaps right similar tablesample
    verbose between bigint bit boolean char character coalesce dec decimal exists extract float
    greatest grouping inout int integer interval json json_array json_arrayagg json_exists
    json_object json_objectagg json_query json_scalar json_serialize json_table json_value least
    merge_action national nchar none normalize nullif numeric out overlay position precision real
    row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
"""
_QUOTED = frozenset(_KEYWORDS.split())


def is_reserved(name: str) -> bool:
    """Whether a name is a key word that needs quotes somewhere where a name may stand."""
    return name in _QUOTED


def quote_identifier(name: str) -> str:
    """A name as it must be written to mean exactly this name; quotes only where needed."""
    if _PLAIN.match(name) and name not in _QUOTED:
        return name
    return '"' + name.replace('"', '""') + '"'
