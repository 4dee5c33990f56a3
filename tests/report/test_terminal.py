"""What a person reads on the terminal."""

from senior_backend.findings import Outcome
from senior_backend.report.terminal import render


def test_the_last_line_says_how_much_was_left_out_and_why():
    reasons = {"is for MySQL by its name": 2, "holds seeds by its name": 1}
    extra = {"left_out": 3, "left_out_by_reason": reasons}
    text = render(Outcome("lint", (), checked=4, unit="statement", extra=extra))
    assert text == (
        "lint: 4 statements checked; nothing found; "
        "3 left out (is for MySQL by its name: 2; holds seeds by its name: 1)"
    )
