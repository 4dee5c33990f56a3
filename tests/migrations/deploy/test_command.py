"""The command line: what a user and a CI job see."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend import cli
from senior_backend.postgres import start
from senior_backend.postgres.process import free_port
from tests.fixtures.programs import needs_pgbouncer
from tests.migrations.deploy.conftest import of_url
from tests.postgres.processes import command_line, eventually
from tests.template import pgbouncer


def start_run(shop, *arguments, **environment):
    return subprocess.Popen(
        command_line("migrations", "run", *arguments),
        env={**os.environ, "DATABASE_URL": shop.url, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(shop, *arguments, **environment):
    process = start_run(shop, *arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def test_output_of_the_command_passes_through_untouched(shop):
    script = "printf 'out\\n'; printf 'err\\n' >&2; exit 7"
    code, out, err = run(shop, "--", "sh", "-c", script)
    assert (code, out) == (1, "out\n")
    assert err.startswith("err\n")
    assert "the command ended with exit code 7" in err
    assert "senior-backend: failed in" in err


@pytest.mark.verify
def test_the_report_has_standard_output_for_itself(shop):
    code, out, err = run(shop, "--format", "json", "--", "sh", "-c", "echo hello; exit 3")
    document = json.loads(out)
    assert (code, document["exit_code"], document["child_exit_code"]) == (1, 1, 3)
    assert (document["version"], document["outcome"]) == (1, "failed")
    assert "hello\n" in err
    assert of_url(shop.url) not in out + err


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "text"),
    [
        (["--", "no-such-tool"], {}, 2, "no-such-tool: command not found"),
        (["--"], {}, 2, "Missing argument"),
        (["--lok-timeout", "1s", "--", "true"], {}, 2, "no such option: --lok-timeout"),
        (["--lock-timeout", "2", "--", "true"], {}, 2, "'2' is no duration: write 200ms, 2s"),
        (["--lock-timeout", "0", "--", "true"], {}, 2, "would wait for ever"),
        (
            ["--", "true"],
            {"DATABASE_URL": "mysql://u:secret@h/d"},
            2,
            "DATABASE_URL: mysql://u:***",
        ),
        (
            ["--", "true"],
            {"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/d"},
            3,
            "cannot connect",
        ),
        (["--database-env", "NO_SUCH", "--", "true"], {"PGHOST": ""}, 2, "no database: neither"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    shop, arguments, environment, code, text, monkeypatch, capsys
):
    for name, value in {"DATABASE_URL": shop.url, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as exit_:
        cli.main(["migrations", "run", *arguments])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (code, "", 1)
    assert text in err
    assert "secret" not in err
    assert "options=" not in err, "of which the user knows nothing"


@pytest.mark.verify
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_goes_to_the_command_and_nothing_of_it_stays_on_the_server(shop, number):
    sleeping = "select count(*) from pg_stat_activity where query like 'select pg_sleep(5%'"
    process = start_run(shop, "--", *shop.command("select pg_sleep(500)"))
    assert eventually(lambda: shop.ask(sleeping) == [(1,)])
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "senior-backend: interrupted in" in err
    assert shop.ask(f"{sleeping} and state <> 'idle'") == [(0,)]


def start_with_input(shop, source, **streams):
    shop.hold()
    command = [shop.psql, "-Xq1", "-v", "ON_ERROR_STOP=1", shop.url]
    return subprocess.Popen(
        command_line(
            "migrations", "run", "--lock-timeout", "300ms", "--delay", "500ms", "--", *command
        ),
        env={**os.environ, "DATABASE_URL": shop.url},
        stdin=source,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **streams,
    )


@pytest.mark.verify
def test_every_attempt_reads_its_input_from_the_beginning(shop, tmp_path):
    file = tmp_path / "change.sql"
    file.write_text("-- before\nalter table orders add note text;\n")
    with file.open() as source:
        source.read(10)  # what a caller has read is not ours to read again
        os.lseek(source.fileno(), 10, os.SEEK_SET)
        process = start_with_input(shop, source)
        for line in process.stderr:
            if "attempt 2 of" in line:
                shop.let_go()
    assert process.wait(60) == 0
    assert shop.ask("select note from orders where false") == []


@pytest.mark.verify
def test_input_from_a_pipe_is_not_there_for_a_second_attempt(shop):
    process = start_with_input(shop, subprocess.PIPE)
    _out, err = process.communicate("alter table orders add note text;\n", timeout=60)
    shop.let_go()
    assert process.returncode == 1
    assert "not tried again: the command has read its standard input, a pipe" in err


@pytest.mark.verify
def test_an_open_pipe_that_nobody_reads_stops_no_second_attempt(shop, tmp_path):
    shop.hold()
    process = subprocess.Popen(
        command_line(
            *("migrations", "run", "--lock-timeout", "300ms", "--delay", "500ms", "--"),
            *shop.command("alter table orders add note text"),
        ),
        env={**os.environ, "DATABASE_URL": shop.url},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "attempt 2 of" in line:
            shop.let_go()
    assert process.wait(60) == 0
    process.stdin.close()


@pytest.mark.verify
def test_what_a_shell_hands_over_stays_open(shop):
    reader, writer = os.pipe()
    os.write(writer, b"select 6 * 7;\n")
    os.close(writer)
    command = command_line("migrations", "run", "--", shop.psql, "-XAtf", f"/dev/fd/{reader}")
    process = subprocess.run(
        command,
        env={**os.environ, "DATABASE_URL": shop.url, "PGHOST": "", **_of_libpq(shop.url)},
        pass_fds=[reader],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(reader)
    assert (process.returncode, process.stdout) == (0, "42\n"), process.stderr


def _of_libpq(url):
    place, _, database = url.partition("@")[2].partition("/")
    host, _, port = place.partition(":")
    return {
        "PGHOST": host,
        "PGPORT": port,
        "PGDATABASE": database,
        "PGUSER": "postgres",
        "PGPASSWORD": of_url(url),
    }


@pytest.mark.verify
def test_a_report_that_cannot_be_written_changes_no_verdict(shop):
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            command_line("migrations", "run", "--format", "json", "--", "true"),
            env={**os.environ, "DATABASE_URL": shop.url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert process.returncode == 0
    assert "the report could not be written: No space left on device" in process.stderr


@pytest.mark.verify
def test_without_a_standard_error_it_runs_all_the_same(shop):
    script = 'exec "$@" 2>&-'
    process = subprocess.run(
        ["sh", "-c", script, "sh", *command_line("migrations", "run", "--", "true")],
        env={**os.environ, "DATABASE_URL": shop.url},
        timeout=60,
        check=False,
    )
    assert process.returncode == 0


@pytest.mark.verify
def test_options_of_a_service_that_win_over_ours_are_refused(shop, tmp_path):
    file = tmp_path / "pg_service.conf"
    variables = _of_libpq(shop.url)
    entry = "".join(
        f"{name}={variables[key]}\n"
        for name, key in [
            ("host", "PGHOST"), ("port", "PGPORT"), ("dbname", "PGDATABASE"),
            ("user", "PGUSER"), ("password", "PGPASSWORD"),
        ]
    )  # fmt: skip
    service = {"DATABASE_URL": "", "PGSERVICE": "shop", "PGSERVICEFILE": str(file)}
    file.write_text(f"[shop]\n{entry}")
    show = [shop.psql, "-XAtc", "show lock_timeout"]
    assert run(shop, "--", *show, **service)[:2] == (0, "2s\n")
    file.write_text(f"[shop]\n{entry}options=-c work_mem=1MB\n")
    code, out, err = run(shop, "--", *show, **service)
    assert (code, out) == (3, "")
    assert "pg_service.conf has options='-c work_mem=1MB', which win over PGOPTIONS" in err


@pytest.mark.verify
def test_an_address_for_migrations_that_is_not_looked_at_is_said(shop):
    _code, _out, err = run(shop, "--", "true", DATABASE_DIRECT_URL="postgres://elsewhere/d")
    assert "--database-env DATABASE_DIRECT_URL" in err


@pytest.mark.verify
def test_the_command_goes_on_when_we_are_killed(shop, tmp_path):
    done = tmp_path / "done"
    script = f"echo begun; sleep 0.4; echo more; echo more >&2; touch '{done}'"
    process = start_run(shop, "--", "sh", "-c", script)
    assert process.stdout.readline() == "begun\n"
    process.kill()
    assert eventually(done.exists)
    process.communicate()


@pytest.mark.verify
def test_a_role_that_may_not_look_into_others_sessions_is_told_so(shop):
    role = f"senior_backend_deploy_{os.getpid()}"
    shop.other.execute(
        f"create role {role} login password 'x'; grant all on schema public to {role};"
        f"alter table orders owner to {role}"
    )
    url = shop.url.replace(f"postgres:{of_url(shop.url)}@", f"{role}:x@")
    try:
        shop.hold()
        code, _out, err = run(
            shop, "--lock-timeout", "150ms", "--attempts", "1", "--max-transaction-age", "1ms",
            "--", shop.psql, "-Xq", "-v", "ON_ERROR_STOP=1", url,
            "-c", "alter table orders add note text", DATABASE_URL=url,
        )  # fmt: skip
        shop.let_go()
        assert code == 1
        assert (
            "sessions of other roles that cannot be looked into: 1; grant pg_read_all_stats" in err
        )
        assert "waiting for AccessExclusiveLock on orders; in the way: pid" in err
    finally:
        shop.other.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.mark.verify
def test_a_server_that_goes_away_is_said_and_the_failure_is_not_tried_again(shop):
    with start(settings={"max_prepared_transactions": "2"}) as server:
        with server.session() as session:
            session.execute("create table orders (id int)")
            session.execute("begin; insert into orders values (1); prepare transaction 'nightly'")
        shop.url = server.url()
        code, _out, err = run(shop, "--max-transaction-age", "1ms", "--", "true")
        assert code == 3
        assert "prepared transaction 'nightly' of postgres" in err
        process = subprocess.Popen(
            command_line("migrations", "run", "--", "sh", "-c", "echo begun; read line; exit 1"),
            env={**os.environ, "DATABASE_URL": server.url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "begun\n"
        server.kill()
        _out, err = process.communicate("go\n", timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "attempt 2" not in err
    assert "could not look for INVALID indexes after the command: cannot connect" in err


@pytest.mark.verify
def test_libpqs_own_variables_name_the_database(shop):
    place, _, database = shop.url.partition("@")[2].partition("/")
    host, _, port = place.partition(":")
    code, out, err = run(
        shop,
        *("--", shop.psql, "-XAtc", "show lock_timeout"),
        DATABASE_URL="",
        PGHOST=host,
        PGPORT=port,
        PGDATABASE=database,
        PGUSER="postgres",
        PGPASSWORD=of_url(shop.url),
    )
    assert (code, out) == (0, "2s\n"), err


@pytest.mark.verify
def test_a_reader_that_has_seen_enough_stops_nothing(shop, tmp_path):
    done = tmp_path / "done"
    process = start_run(shop, "--", "sh", "-c", f"sleep 0.3; touch '{done}'; exit 1")
    process.stderr.close()
    process.stdout.close()
    assert process.wait(60) == 1
    assert done.exists()


@pytest.mark.verify
def test_a_terminal_shows_how_a_build_goes_on(shop):
    shop.hold("set transaction isolation level repeatable read; select 1")
    outer, inner = pty.openpty()
    build = shop.command("create index concurrently orders_total on orders (total)")
    process = subprocess.Popen(
        command_line(
            "migrations", "run", "--concurrently", "--concurrent-timeout", "30s", "--", *build
        ),
        env={**os.environ, "DATABASE_URL": shop.url},
        stdin=subprocess.DEVNULL,
        stderr=inner,
    )
    os.close(inner)
    seen = b""
    while b"orders_total: waiting for old snapshots 0%" not in seen:
        seen += os.read(outer, 4096)
    shop.let_go()
    assert process.wait(60) == 0
    with contextlib.suppress(OSError):  # as Linux ends a terminal whose other side is closed
        while block := os.read(outer, 4096):
            seen += block
    os.close(outer)
    assert b"built public.orders_total" in seen


@pytest.mark.verify
@needs_pgbouncer
@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options"])
def test_a_pooler_is_refused_with_the_way_round_it(shop, more):
    server = shop.url.partition("@")[2].partition("/")[0].rpartition(":")[2]
    port = str(free_port())
    pooler = subprocess.Popen(
        [sys.executable, pgbouncer.__file__, *([more] if more else [])],
        env={
            **os.environ,
            "CONTRACT_SERVER_PORT": server,
            "CONTRACT_POOLER_PORT": port,
            "CONTRACT_SERVER_PASSWORD": of_url(shop.url),
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: _listens(int(port)))
        code, out, err = run(
            shop, "--", "echo", "ran", DATABASE_URL=shop.url.replace(f":{server}/", f":{port}/")
        )
    finally:
        pooler.terminate()
        pooler.wait()
    assert (code, out) == (3, "")
    assert "name the server's own address with --database, not the pooler's" in err


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
