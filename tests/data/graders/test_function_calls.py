import json

import pytest

from rl_router.data.graders import grade
from rl_router.data.graders.function_calls import FunctionCall, calls_in, gold_calls

WEATHER = [{"get_weather": {"city": ["Paris", "Paris, France"], "unit": ["celsius", ""]}}]
TWO = [{"play": {"artist": ["Swift"], "minutes": [20]}}, {"play": {"artist": ["Maroon 5"], "minutes": [15]}}]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('[{"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}]', 1.0),
        ('```json\n[{"name": "get_weather", "arguments": {"city": "paris france"}}]\n```', 1.0),
        ('{"name": "get_weather", "parameters": {"city": "Paris"}}', 1.0),
        ('[{"type": "function", "function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}}]', 1.0),
        ('[{"get_weather": {"city": "Paris"}}]', 1.0),
        ("[get_weather(city='Paris')]", 1.0),
        ("I call [get_weather(city='Paris', unit='celsius')].", 1.0),
        ("get_weather(city='Rome')", 0.0),
        ("get_weather(city='Paris', unit='kelvin')", 0.0),
        ("get_weather(unit='celsius')", 0.0),  # the city must be given
        ("get_weather(city='Paris', lang='fr')", 0.0),  # no such argument
        ("get_wind(city='Paris')", 0.0),
        ("[get_weather(city='Paris'), get_weather(city='Paris')]", 0.0),
        ("get_weather('Paris')", 0.0),
        ("__import__('os').system('true')", 0.0),
        ("", 0.0),
    ],
)
def test_a_call_is_right_by_its_name_and_arguments(reply, score, question):
    assert grade("function_calls", reply, question(json.dumps(WEATHER))) == score


def test_several_calls_may_come_in_any_order(question):
    asked = question(json.dumps(TWO))
    assert (
        grade("function_calls", "[play(artist='Maroon 5', minutes=15), play(artist='Swift', minutes=20.0)]", asked)
        == 1.0
    )
    assert (
        grade("function_calls", "[play(artist='Maroon 5', minutes=20), play(artist='Swift', minutes=15)]", asked) == 0.0
    )
    assert grade("function_calls", "[play(artist='Swift', minutes=20)]", asked) == 0.0


def test_a_call_that_fits_two_wanted_ones_leaves_the_other_its_own(question):
    wanted = [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}]
    assert grade("function_calls", "[f(x=1), f(x=2)]", question(json.dumps(wanted))) == 1.0


def test_numbers_texts_and_truths_are_not_each_other(question):
    asked = question(json.dumps([{"f": {"n": [1], "yes": [True]}}]))
    assert grade("function_calls", "f(n=1, yes=True)", asked) == 1.0
    assert grade("function_calls", "f(n='1', yes=True)", asked) == 0.0
    assert grade("function_calls", "f(n=True, yes=True)", asked) == 0.0
    assert grade("function_calls", "f(n=1, yes=1)", asked) == 0.0


def test_nested_values_name_what_counts_at_each_key(question):
    asked = question(json.dumps([{"f": {"where": [[{"field": ["age"], "op": [">", "gt"], "note": ["", "x"]}]]}}]))
    assert grade("function_calls", "f(where=[{'field': 'age', 'op': 'gt'}])", asked) == 1.0
    assert grade("function_calls", "f(where=[{'field': 'age', 'op': '<'}])", asked) == 0.0
    assert grade("function_calls", "f(where=[{'op': '>'}])", asked) == 0.0
    (gold,) = gold_calls(asked)
    assert json.loads(gold) == [{"name": "f", "arguments": {"where": [{"field": "age", "op": ">", "note": "x"}]}}]


def test_where_no_function_fits_saying_so_is_right_and_calling_one_is_not(question):
    asked = question("[]")
    assert grade("function_calls", "None of them can do that.", asked) == 1.0
    assert grade("function_calls", "[]", asked) == 1.0
    assert grade("function_calls", "[f(x=1)]", asked) == 0.0
    assert grade("function_calls", "", asked) == 0.0


def test_an_argument_with_no_accepted_value_is_an_empty_list(question):
    asked = question(json.dumps([{"f": {"xs": []}}]))
    assert grade("function_calls", "f(xs=[])", asked) == 1.0
    assert grade("function_calls", "f(xs=[1])", asked) == 0.0


def test_a_question_without_an_answer_is_not_graded(question):
    assert grade("function_calls", "f()", question()) is None


def test_dotted_names_are_names():
    assert calls_in("triangle.area(base=3)") == [FunctionCall("triangle.area", {"base": 3})]
