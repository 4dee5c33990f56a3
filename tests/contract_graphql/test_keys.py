"""The issuer's keys: as in REST."""

from tests.contract.test_keys import *  # noqa: F403
