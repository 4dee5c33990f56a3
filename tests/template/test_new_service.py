"""One service from nothing to green: what everybody does first, so `make test` does it too."""

from pathlib import Path

from tests.template.make import succeed


def test_a_new_service_passes_its_own_tests(tmp_path: Path, generate):
    """The tools come from the commit that the service pins, as they do for its people."""
    service = generate(tmp_path / "payments-api", framework="fastapi", example="orders")
    succeed(service, "setup")
    assert "passed" in succeed(service, "test")
