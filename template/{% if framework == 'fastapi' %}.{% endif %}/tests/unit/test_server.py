"""The listeners."""

from socket import SO_RCVBUF, SOL_SOCKET, create_connection

import pytest

from app import server


@pytest.mark.skipif(server.TCP_USER_TIMEOUT is None, reason="only Linux knows it")
def test_a_caller_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNREAD_MS", 500)
    with server._listen("PORT", 0) as listener:
        listener.listen()
        with create_connection(("127.0.0.1", listener.getsockname()[1])) as caller:
            caller.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
            connection, _ = listener.accept()
            connection.settimeout(20)
            with connection, pytest.raises(TimeoutError, match="Connection timed out"):
                connection.sendall(bytes(50_000_000))
