"""A baseline of another target says so; that a service got another port here is no other target."""

import pytest

from senior_backend.load.formats.tables import comparable
from tests.load.formats.results import Traffic, result


@pytest.mark.parametrize(
    ("before", "now", "another"),
    [
        ("http://127.0.0.1:33349", "http://127.0.0.1:37583", False),
        ("http://localhost:33349", "http://localhost", False),
        ("http://[::1]:33349/v1", "http://[::1]:8000/v1", False),
        ("http://127.0.0.1:33349/v1", "http://127.0.0.1:33349/v2", True),
        ("http://127.0.0.1:8000", "https://127.0.0.1:8000", True),
        ("http://staging.example.com:8000", "http://staging.example.com:8001", True),
        ("http://127.0.0.1:8000", "https://staging.example.com", True),
    ],
)
def test_another_target_is_named(before: str, now: str, another: bool):
    run = result(Traffic(seconds=5))
    notes = comparable(
        run.model_copy(update={"target": now}), run.model_copy(update={"target": before})
    )
    assert list(notes) == ([f"the baseline is of another target: {before}"] if another else [])
