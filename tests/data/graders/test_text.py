import pytest

from rl_router.data.graders import exact_match, f1, grade, normalize_answer


def test_case_articles_punctuation_and_spaces_do_not_count():
    assert normalize_answer("  The Eiffel-Tower,  a landmark. ") == "eiffeltower landmark"


def test_any_accepted_answer_is_right():
    assert exact_match("Counterclockwise.", ("anti-clockwise", "counterclockwise")) == 1.0
    assert exact_match("clockwise", ("anti-clockwise", "counterclockwise")) == 0.0


def test_an_answer_inside_a_longer_text_is_not_an_exact_match():
    assert exact_match("it is 18", ("18",)) == 0.0


def test_without_accepted_answers_nothing_is_graded():
    assert exact_match("18", ()) is None


def test_a_minus_sign_and_a_decimal_point_are_not_punctuation_of_a_number():
    assert exact_match("15", ("-15",)) == 0.0
    assert exact_match("45", ("4.5",)) == 0.0
    assert exact_match("-15", ("-15",)) == 1.0


def test_thousands_separators_dollars_and_a_full_stop_do_not_change_a_number():
    assert exact_match("$1,000.", ("1000",)) == 1.0


def test_a_right_answer_of_punctuation_alone_is_compared_as_it_stands():
    assert exact_match("[]", ("[]",)) == 1.0
    assert exact_match("", ("[]",)) == 0.0
    assert exact_match("{}", ("[]",)) == 0.0


@pytest.mark.parametrize(
    ("answer", "answers", "score"),
    [
        ("Paris", ("Paris",), 1.0),
        ("the city of Paris", ("Paris",), 0.5),  # 1 of 3 words, 1 of 1: 2·1/(3+1)
        ("Barack Hussein Obama", ("Obama", "Barack Obama"), 0.8),  # 2·2/(3+2), the better alias
        ("", ("Paris",), 0.0),
        ("London", ("Paris",), 0.0),
        ("yes it is", ("yes",), 0.0),  # HotpotQA: a verdict is shared whole or not
        ("15", ("-15",), 0.0),
        ("$1,000", ("1000",), 1.0),
        ("[ ]", ("[]",), 1.0),
        ("paris paris", ("paris",), 2 / 3),  # a repeated word counts once
    ],
)
def test_f1_is_twice_the_shared_words_over_all_words(answer, answers, score):
    assert f1(answer, answers) == pytest.approx(score)


def test_f1_without_accepted_answers_is_not_graded():
    assert f1("18", ()) is None


@pytest.mark.parametrize(
    ("reply", "answers", "score"),
    [
        ("Paris", ("Paris",), 1.0),
        ("The answer is Paris.", ("paris",), 1.0),
        ("It has the Louvre.\n\n**Answer:** The *Eiffel Tower*", ("Eiffel Tower",), 1.0),
        ("Answer: spa pool", ("swimming pool", "spa pool", "indoor pool"), 1.0),
        ("Answer: pool", ("swimming pool", "spa pool"), 0.0),
        ("<think>Rome? Answer: Rome</think>\nAnswer: Paris", ("Paris",), 1.0),
        ("Answer: Rome\nNo, wait.\nAnswer: Paris", ("Paris",), 1.0),
        ("<answer> Paris </answer>", ("Paris",), 1.0),
        ("Final answer:\n\nParis", ("Paris",), 1.0),
        ("I believe it is Paris", ("Paris",), 0.0),  # nothing is marked, and the whole is something else
        ("1.8", ("18",), 0.0),
        ("*", ("*",), 1.0),
        ("", ("Paris",), 0.0),
    ],
)
def test_the_exact_match_of_a_reply_is_that_of_the_answer_it_marks(reply, answers, score, question):
    assert grade("exact_match", reply, question(*answers)) == score
