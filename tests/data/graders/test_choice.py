import pytest

from rl_router.data.graders import grade
from rl_router.data.graders.choice import chosen_label

LETTERS = {"A": "a cat", "B": "Paris", "C": "the dog", "D": "5"}
DIGITS = {"1": "red", "2": "blue", "3": "green", "4": "12"}


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("B.", "B"),
        ("**B**", "B"),
        ("$\\boxed{\\text{B}}$", "B"),
        ("Answer: A", "A"),
        ("The answer is (C).", "C"),
        ("The correct answer is **D**.", "D"),
        ("Final Answer: (D) 5", "D"),
        ("Answer:\n\n**B**", "B"),
        ("A is the wrong one.\n\nAnswer: B", "B"),
        ("<think>A or (B)</think> C", "C"),
        ("Option C", "C"),
        ("The best choice is C.", "C"),
        ("I choose A.", "A"),
        ("Paris", "B"),
        ("the answer is Paris.", "B"),
        ("Answer: A cat", "A"),
        ("5", "D"),
        ("B. Paris", "B"),
        ("(B) Paris, because it is the capital", "B"),
        ("(A) is wrong. (B) is right", None),  # two are named
        ("Neither A nor B, so C", None),
        ("A cat sat", None),
        ("I think it is Paris", None),
        ("E", None),
        ("", None),
    ],
)
def test_a_lettered_option_is_chosen_by_its_label_or_its_text(reply, label):
    assert chosen_label(reply, LETTERS) == label


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("1", "1"),
        ("(2)", "2"),
        ("4.", "4"),
        ("Answer: 3", "3"),
        ("The answer is 2", "2"),
        ("3) green", "3"),
        ("Option 3", "3"),
        ("12", "4"),  # no label, but the text of one
        ("Answer: 12", "4"),
        ("green", "3"),
        ("Answer: 1.5", None),
        ("5", None),
        ("A", None),
    ],
)
def test_a_digit_is_as_good_a_label_as_a_letter(reply, label):
    assert chosen_label(reply, DIGITS) == label


def test_a_choice_is_right_or_wrong_and_without_a_key_not_graded(question):
    assert grade("choice", "Answer: A", question("A", choices=LETTERS)) == 1.0
    assert grade("choice", "Answer: B", question("A", choices=LETTERS)) == 0.0
    assert grade("choice", "", question("A", choices=LETTERS)) == 0.0
    assert grade("choice", "A", question(choices=LETTERS)) is None
    assert grade("choice", "2", question("2", choices=DIGITS)) == 1.0
