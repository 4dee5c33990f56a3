"""The GraphQL contract, executed against a running service; see README.md beside this file."""

import pytest

pytest.register_assert_rewrite("tests.contract_graphql.client")
