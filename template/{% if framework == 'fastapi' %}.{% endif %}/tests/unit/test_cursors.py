"""Cursors are opaque, and good for one list with one set of filters."""

from uuid import UUID

import pytest

from app.http.cursors import decode_cursor, encode_cursor
from app.http.problems import Problem

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FILTERS = {"status": "pending"}
CURSOR = encode_cursor(ID, of="things", filters=FILTERS)


def test_round_trip() -> None:
    assert decode_cursor(CURSOR, of="things", filters=FILTERS) == ID


@pytest.mark.parametrize(
    ("cursor", "of", "filters"),
    [
        (CURSOR, "things", {}),
        (CURSOR, "things", {"status": "shipped"}),
        (CURSOR, "others", FILTERS),
        (CURSOR[:-1], "things", FILTERS),
        (CURSOR + "A", "things", FILTERS),
        (CURSOR + "=", "things", FILTERS),
        (CURSOR + "\n", "things", FILTERS),
        ("B" + CURSOR[1:], "things", FILTERS),
        (CURSOR[:-1] + ("A" if CURSOR[-1] != "A" else "B"), "things", FILTERS),
        ("", "things", FILTERS),
        ("!!!!", "things", FILTERS),
        ("ä" * 20, "things", FILTERS),
        (str(ID), "things", FILTERS),
    ],
)
def test_any_other_use_is_400(cursor: str, of: str, filters: dict[str, str]) -> None:
    with pytest.raises(Problem) as refusal:
        decode_cursor(cursor, of=of, filters=filters)
    assert refusal.value.kind.status == 400
    assert refusal.value.errors[0].get("parameter") == "cursor"
