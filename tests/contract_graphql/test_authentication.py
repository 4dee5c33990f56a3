"""Bearer tokens: as in REST. What each field needs is in test_scopes.py."""

from tests.contract.test_authentication import *  # noqa: F403
