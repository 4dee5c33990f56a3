"""Log lines: JSON, one a line, with the request they belong to and without secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.observability.context import RequestContext, current_request
from app.observability.logs import configure_logs


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    sys.stdout.flush()
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_every_line_is_json_also_those_of_libraries(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    structlog.get_logger().info("ours", count=1)
    logging.getLogger("uvicorn.error").warning("theirs %s", "too")
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("asyncio").exception("failed")
    ours, theirs, failed = lines(capfd)
    assert (ours["event"], ours["level"], ours["count"]) == ("ours", "info", 1)
    assert (theirs["event"], theirs["logger"]) == ("theirs too", "uvicorn.error")
    assert "ValueError: boom" in failed["exception"]
    assert all(line["time"].endswith("Z") for line in (ours, theirs, failed))


def test_lines_below_the_level_are_not_written(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    assert lines(capfd) == []


def test_a_line_names_its_request(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    request = RequestContext(request_id="r-1", method="GET", path="/", started=0)
    request.trace_id = "0" * 31 + "1"
    token = current_request.set(request)
    try:
        structlog.get_logger().info("ours")
        logging.getLogger("sqlalchemy").warning("theirs")
    finally:
        current_request.reset(token)
    for line in lines(capfd):
        assert line["request_id"] == "r-1"
        assert line["trace_id"] == request.trace_id


def test_secrets_are_redacted_at_any_depth(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    structlog.get_logger().info(
        "login",
        password="hunter2",
        headers={"Authorization": "Bearer hunter2", "accept": "*/*"},
        steps=[{"api-key": "hunter2"}, {"set_cookie": "hunter2"}, "plain"],
        client_secret="hunter2",
    )
    (line,) = lines(capfd)
    assert "hunter2" not in json.dumps(line)
    assert line["headers"]["accept"] == "*/*"
    assert line["steps"][2] == "plain"


def test_a_value_that_is_no_json_is_shown_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    structlog.get_logger().info("odd", value=object(), number=float("nan"), text="\ud800")
    (line,) = lines(capfd)
    assert line["value"].startswith("<object")
