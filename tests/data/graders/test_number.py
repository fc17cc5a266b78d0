from fractions import Fraction

import pytest

from rl_router.data.graders import grade
from rl_router.data.graders.number import answered_number, numbers_in


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("$20.00", 20),
        ("\\$20.00", 20),
        ("1,234", 1234),
        ("1{,}234", 1234),
        ("The total is $1,234.50.", Fraction(2469, 2)),
        ("The answer is 18.", 18),
        ("1.8", Fraction(9, 5)),
        ("#### 18", 18),
        ("\\boxed{\\frac12}", Fraction(1, 2)),
        ("\\boxed{\\frac{3}{4}}", Fraction(3, 4)),
        ("x = 3/4", Fraction(3, 4)),
        ("Answer: -5", -5),
        ("$-5", -5),
        ("−5", -5),
        ("So 5 - 3 = 2", 2),
        ("Answer: 4 × 5 = 20", 20),
        ("Answer: 20 dollars (2 × 10)", 20),
        ("20%", 20),
        ("3.5e3", 3500),
        (".5", Fraction(1, 2)),
        ("Answer: 0", 0),
        ("<think>7</think> 8", 8),
        ("twenty", None),
        ("", None),
    ],
)
def test_the_number_of_a_reply(reply, number):
    assert answered_number(reply) == number


def test_a_minus_between_numbers_is_no_sign_and_a_date_is_no_quotient_of_quotients():
    assert numbers_in("5 - 3, 1-2 and 12/25/1937") == [5, 3, 1, 2, Fraction(12, 25), 1937]


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [
        ("$20.00", "20", 1.0),
        ("18", "1.8", 0.0),
        ("1.8", "18", 0.0),
        ("The answer is 1234", "1,234", 1.0),
        ("00", "20", 0.0),
        ("", "20", 0.0),
        ("0", "0", 1.0),
    ],
)
def test_numbers_are_compared_as_numbers(reply, answer, score, question):
    assert grade("number", reply, question(answer)) == score


def test_stated_decimals_allow_half_of_the_last_one(question):
    price = question("1.35", meta={"precision": 1})
    assert grade("number", "1.4", price) == 1.0
    assert grade("number", "1.3", price) == 1.0
    assert grade("number", "1.41", price) == 0.0


def test_an_answer_that_is_no_number_cannot_be_graded_as_one(question):
    assert grade("number", "18", question("eighteen")) is None
    assert grade("number", "18", question()) is None
