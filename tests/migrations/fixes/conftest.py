"""Batches so small that every backfill has several."""

import pytest

from senior_backend.operations import recipes


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of the tests have some hundred rows."""
    monkeypatch.setattr(recipes, "BATCH", 40)
