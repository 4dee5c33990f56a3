"""``migrations run -- COMMAND``: a framework's own migrate command, kept from doing harm.

``connection`` gives the command its lock_timeout, ``database`` asks what stands in the way and
what is left over, ``watch`` looks on from a session of our own, ``child`` runs the command,
``flow`` puts them in order and ``report`` holds what happened. No ledger of another tool is ever
written.
"""
