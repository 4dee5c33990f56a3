"""How volatile functions are: whether each row gets a value of its own.

PostgreSQL docs, 36.7 Function Volatility Categories.
"""

from functools import cache
from pathlib import Path
from typing import Literal

from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import Name

Volatility = Literal["volatile", "stable", "immutable"]

_KEYWORDS = """
    current_catalog current_date current_role current_schema current_time current_timestamp
    current_user localtime localtimestamp session_user user
"""
# pgcrypto, uuid-ossp, unaccent, pg_uuidv7, pgx_ulid, and what Supabase adds.
_EXTENSIONS: dict[Volatility, str] = {
    "volatile": """
        gen_random_bytes gen_salt gen_monotonic_ulid gen_ulid pgp_pub_encrypt
        pgp_pub_encrypt_bytea pgp_sym_encrypt pgp_sym_encrypt_bytea uuid_generate_v1
        uuid_generate_v1mc uuid_generate_v4 uuid_generate_v7
    """,
    "stable": "unaccent",
    "immutable": """
        armor crypt dearmor decrypt decrypt_iv digest encrypt encrypt_iv hmac pgp_key_id
        pgp_pub_decrypt pgp_pub_decrypt_bytea pgp_sym_decrypt pgp_sym_decrypt_bytea similarity
        uuid_generate_v3 uuid_generate_v5 uuid_nil uuid_ns_dns uuid_ns_oid uuid_ns_url uuid_ns_x500
    """,
}
_SUPABASE = frozenset({("auth", "uid"), ("auth", "role"), ("auth", "email"), ("auth", "jwt")})
# Where extensions are put; elsewhere a function of the same name is somebody's own.
_SCHEMAS = frozenset({None, "public", "extensions", "pg_catalog"})


def volatility(catalog: Catalog, function: Name) -> Volatility | None:
    """How volatile a function is; None when it cannot be known.

    A function in SQL that is declared volatile (or says nothing) is not known: where its body can
    be inlined, only what that calls counts.
    """
    known = catalog.functions.get(catalog.key(function))
    if known is not None:
        inlined = known.language == "sql" and known.volatility == "volatile"
        return None if inlined else known.volatility
    if function in _SUPABASE:
        return "stable"
    return _built_in().get(function.name) if function.schema in _SCHEMAS else None


@cache
def _built_in() -> dict[str, Volatility]:
    found: dict[str, Volatility] = dict.fromkeys(_KEYWORDS.split(), "stable")
    for kind, names in _EXTENSIONS.items():
        found.update(dict.fromkeys(names.split(), kind))
    table = Path(__file__).with_name("pg_catalog_functions.txt")
    for line in table.read_text("utf-8").splitlines():
        words = line.split()
        if words and words[0] in ("volatile", "stable", "immutable"):
            kind = words[0]  # type: ignore[assignment]
            found.update(dict.fromkeys(words[1:], kind))
    return found
