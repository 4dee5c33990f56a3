"""What names something is found as a look at everything would find it, in the same order."""

from senior_backend.catalog.mentions import Mentions
from senior_backend.operations.names import Name

A, B, C = Name("public", "a"), Name("public", "b"), Name("other", "c")


def words(*content: tuple[Name, list[str]]) -> Mentions[list[str]]:
    return Mentions(iter, dict(content))


def test_values_come_in_the_order_in_which_their_keys_were_put_in():
    found = words((A, ["x", "1"]), (B, ["x", "2"]), (C, ["y"]))
    assert found.mentioning("x") == [["x", "1"], ["x", "2"]]
    found[A] = ["x", "3"]
    assert found.mentioning("x") == [["x", "3"], ["x", "2"]]
    del found[A]
    found[A] = ["x", "4"]
    assert found.mentioning("x") == [["x", "2"], ["x", "4"]]


def test_a_value_may_be_changed_until_all_is_settled():
    found = words()
    value = ["x"]
    found[A] = value
    assert found.mentioning("x") == [value]
    value[0] = "y"
    assert (found.mentioning("x"), found.mentioning("y")) == ([], [value])
    found.settle()
    value[0] = "z"
    assert found.mentioning("z") == []


def test_what_is_taken_out_is_not_found():
    found = words((A, ["x"]), (B, ["x"]))
    found.pop(A)
    assert found.pop(C, None) is None
    assert found.mentioning("x") == [["x"]]


def test_a_copy_goes_its_own_way():
    found = words((A, ["x"]))
    copy = found.copy()
    copy[B] = ["x"]
    del found[A]
    assert (found.mentioning("x"), copy.mentioning("x")) == ([], [["x"], ["x"]])
