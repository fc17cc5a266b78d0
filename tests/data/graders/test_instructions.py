import pytest

from rl_router.data.graders import grade
from rl_router.data.graders.instructions import CHECKS, follows
from rl_router.errors import DataError

# id, arguments, a reply that follows it, a reply that does not
CASES = [
    ("keywords:existence", {"keywords": ["Sea", "salt"]}, "Salt of the sea", "Salt of the earth"),
    ("keywords:frequency", {"keyword": "tea", "frequency": 2}, "Tea and tea.", "One tea."),
    ("keywords:frequency", {"keyword": "tea", "frequency": 2, "relation": "less than"}, "One tea.", "Tea, tea."),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, "A category", "A Cat"),
    ("keywords:letter_frequency", {"letter": "q", "let_frequency": 2, "let_relation": "at least"}, "Quq", "q"),
    ("language:response_language", {"language": "de"}, "Das ist ein deutscher Satz.", "This is English, you see."),
    ("length_constraints:number_sentences", {"num_sentences": 2}, "One. Two!", "One, Dr. Two."),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "Two words", "These three words"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "One\n***\nTwo", "One\n***\n\n***\nTwo"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
        "First.\n\n“Then, second.",
        "Then.\n\nFirst.",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name], [address]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP. S. Hi", "PS hi"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.S hi", "P.S. hi"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n* b\n* c"),
    ("detectable_format:constrained_response", {}, "My answer is maybe.", "Maybe."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", "*a* and ** **"),
    ("detectable_format:multiple_sections", {"section_spliter": "Day", "num_sections": 2}, "Day 1 a Day 2 b", "Day 1"),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<A title>>\nText", "<< >>\nText"),
    ("combination:two_responses", {}, "One ****** Two", "One ****** One"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, "Say hi. Hi!", "Hi!"),
    ("startend:end_checker", {"end_phrase": "That is all."}, 'So. That is all."', "That is all. Bye"),
    ("startend:quotation", {}, '"Hi"', '"Hi'),
    ("change_case:capital_word_frequency", {"capital_frequency": 2}, "WE GO now", "We GO"),
    ("change_case:english_capital", {}, "HI, 2!", "HI you"),
    ("change_case:english_lowercase", {}, "hi, 2!", "hi You"),
    ("punctuation:no_comma", {}, "a b", "a, b"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "good", "bad"), CASES, ids=[case[0] for case in CASES])
def test_an_instruction_is_followed_or_not(name, given, good, bad):
    if name.startswith("language:"):
        pytest.importorskip("langdetect")
    assert follows(good, {"id": name, **given}) is True
    assert follows(bad, {"id": name, **given}) is False


def test_every_check_has_a_case():
    assert {case[0] for case in CASES} == set(CHECKS)


def test_a_reply_must_follow_all_instructions_and_an_empty_one_follows_none(question):
    both = question(meta={"instructions": [{"id": "punctuation:no_comma"}, {"id": "change_case:english_lowercase"}]})
    assert grade("instructions", "hello there", both) == 1.0
    assert grade("instructions", "hello, there", both) == 0.0
    assert grade("instructions", "", both) == 0.0
    assert grade("instructions", "hello", question()) is None


def test_what_cannot_be_checked_here_is_not_graded_unless_something_else_is_broken(question, monkeypatch):
    monkeypatch.setitem(CHECKS, "language:response_language", lambda text, given: None)
    both = question(meta={"instructions": [{"id": "language:response_language"}, {"id": "punctuation:no_comma"}]})
    assert grade("instructions", "hallo", both) is None
    assert grade("instructions", "hallo, du", both) == 0.0


def test_an_unknown_instruction_is_an_error(question):
    with pytest.raises(DataError, match="no check for the instruction 'a:b'"):
        grade("instructions", "x", question(meta={"instructions": [{"id": "a:b"}]}))
