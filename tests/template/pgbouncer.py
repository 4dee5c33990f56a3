"""Run PgBouncer in transaction mode between CONTRACT_POOLER_PORT and CONTRACT_SERVER_PORT.

The command for ``--contract-pooler``: stays in the foreground, ends on SIGTERM, leaves nothing.
Arguments are further settings: ``pgbouncer.py default_pool_size=2``.
"""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pooler}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 10
; A server that went away is noticed at once and asked for again at once, as a service would itself;
; by default clients wait two minutes, and a failed server is left alone for fifteen seconds.
query_wait_timeout = 1
server_connect_timeout = 1
server_login_retry = 0.2
server_check_delay = 0
{more}
"""


def main() -> int:
    """Run PgBouncer with settings of our own; as an unprivileged user, since it refuses root."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` below is reached
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as directory:
        Path(directory).chmod(0o755)
        users = Path(directory) / "users"
        users.touch(mode=0o600)
        if user is not None:
            os.chown(users, user.pw_uid, user.pw_gid)
        users.write_text(f'"postgres" "{os.environ["CONTRACT_SERVER_PASSWORD"]}"\n')
        settings = Path(directory) / "pgbouncer.ini"
        settings.write_text(
            SETTINGS.format(
                server=os.environ["CONTRACT_SERVER_PORT"],
                pooler=os.environ["CONTRACT_POOLER_PORT"],
                users=users,
                more="\n".join(sys.argv[1:]),
            )
        )
        process = subprocess.Popen(
            ["pgbouncer", "--quiet", str(settings)],
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=[] if user else None,
        )
        try:
            return process.wait()
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
