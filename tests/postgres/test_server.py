"""Throw-away servers: what they promise while they run, and that nothing is left of them."""


def test_database_is_fresh_and_real(database_url, postgres_server):
    with postgres_server.session(database_url.rpartition("/")[2]) as session:
        assert session.execute("select current_database()")[0][0].startswith("senior_backend_")
