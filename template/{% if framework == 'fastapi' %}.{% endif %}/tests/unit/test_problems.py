"""Every error is one of a few kinds of problem, and its headers can be sent."""

from app.auth.principal import InvalidToken
from app.http.problems import problem_of


def test_the_name_of_a_claim_cannot_break_the_challenge() -> None:
    problem = problem_of(InvalidToken('without a usable claim "\u79df\\'))
    challenge = 'Bearer error="invalid_token", error_description="without a usable claim ???"'
    assert problem.headers == {"WWW-Authenticate": challenge}
