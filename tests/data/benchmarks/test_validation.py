from dataclasses import replace

from rl_router.data.benchmarks.validation import validate
from rl_router.types import Query

CHOICE = Query(
    query_id="d/test/0",
    text="Capital of France?\nA. Paris\nB. Rome",
    answers=("A",),
    task="d",
    split="test",
    grader="choice",
    choices={"A": "Paris", "B": "Rome"},
)


def faults(*queries):
    return [(fault.query_id, fault.what) for fault in validate(queries)]


def test_a_sound_set_has_no_fault():
    assert faults(CHOICE, replace(CHOICE, query_id="d/train/0", split="train", text="Other?\nA. Paris\nB. Rome")) == []


def test_two_questions_with_one_id():
    assert faults(CHOICE, CHOICE) == [("d/test/0", "its id is another question's too")]


def test_a_training_question_that_is_held_out_whatever_its_case_and_punctuation():
    twin = replace(CHOICE, query_id="d/train/0", split="train", text="capital of france\nA. Paris\nB. Rome")
    assert faults(CHOICE, twin) == [("d/train/0", "the held-out question d/test/0 is the same")]


def test_the_same_words_about_two_figures_are_two_questions():
    figure = replace(CHOICE, meta={"images": ["one"]})
    assert faults(figure, replace(figure, query_id="d/train/0", split="train", meta={"images": ["two"]})) == []


def test_an_option_that_the_prompt_does_not_show():
    assert faults(replace(CHOICE, text="Capital of France?\nA. Paris")) == [
        ("d/test/0", "the prompt does not show option B")
    ]


def test_an_answer_that_its_own_grader_refuses():
    assert faults(replace(CHOICE, answers=("C",))) == [
        ("d/test/0", "the grader 'choice' gives 0.0 to its own answer 'C'")
    ]
    assert faults(replace(CHOICE, answers=("Paris", "18"), grader="number"))[0][1].startswith(
        "the grader 'number' gives 0.0"
    )
