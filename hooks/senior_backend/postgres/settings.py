"""Server settings: what every server of ours has, and what only a throw-away one may have."""

from collections.abc import Mapping

COMMON = {
    "listen_addresses": "127.0.0.1",
    # Parallel test runs, each with services that hold pools.
    "max_connections": "300",
    # Messages are matched by tools, and times compared by tests, wherever the machine stands.
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
}

# A crash of the machine loses the cluster; it would have been removed anyway. Commits stay
# synchronous, so that a crash of the server alone loses none: tests of outages look at that.
THROW_AWAY = COMMON | {
    "fsync": "off",
    "full_page_writes": "off",
}


def arguments(settings: Mapping[str, str]) -> list[str]:
    """The command-line form, which wins over every file of the cluster."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def list_of(path: str) -> str:
    """One path as the value of a setting that takes a list, whatever the path holds."""
    return '"' + path.replace('"', '""') + '"'
