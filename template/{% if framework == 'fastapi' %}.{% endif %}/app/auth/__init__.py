"""Who calls: bearer tokens of an OpenID Connect issuer, turned into a principal."""
