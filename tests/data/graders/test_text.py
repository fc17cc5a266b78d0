from rl_router.data.graders import exact_match, normalize_answer


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
