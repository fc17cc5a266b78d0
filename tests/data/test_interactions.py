import json

import pytest

from rl_router.data.importers import IMPORTERS
from rl_router.data.interactions import user_of
from rl_router.errors import DataError

SESSION = {
    "session": "s1",
    "user": "ada",
    "turns": [
        {
            "query": "how many primes are below 100",
            "task": "maths",
            "answers": [
                {"model": "small", "response": "25", "rating": 0.75, "cost_usd": 0.001},
                {"model": "large", "response": "There are 25."},
            ],
        },
        {
            "query": "and below 10",
            "preferred": "small",
            "answers": [{"model": "small", "response": "4"}, {"model": "large"}],
        },
        {"query": "thanks", "preferred": None, "answers": [{"model": "small"}, {"model": "large"}]},
    ],
}


def read_sessions(path):
    return IMPORTERS["sessions"].read([path])


def write(path, *sessions):
    path.write_text("\n".join(json.dumps(session) for session in sessions) + "\n")
    return path


def test_sessions_become_a_table_that_knows_its_users(tmp_path):
    table = read_sessions(write(tmp_path / "s.jsonl", SESSION, {**SESSION, "session": "s2", "user": "bob"}))
    assert table.query_ids == ("s1/0", "s1/1", "s1/2", "s2/0", "s2/1", "s2/2")
    assert table.matrix("score", ["s1/1", "s1/2"], ["small", "large"]).tolist() == [[1.0, 0.0], [0.5, 0.5]]
    rated = table.cell("s1/0", "small")
    assert (rated.score, rated.cost_usd, rated.response) == (0.75, 0.001, "25")
    assert table.cell("s1/0", "large").score is None  # not rated is not disliked
    assert [user_of(query) for query in table.queries()] == ["ada"] * 3 + ["bob"] * 3
    assert table.queries()[0].task == "maths"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user": ""}, r"user as a text in line 1 of .*, got ''"),
        ({"turns": []}, r"list of turns in line 1"),
        ({"turns": [{"query": "q", "answers": []}]}, r"list of answers in turn 1 of line 1"),
        ({"turns": [{"query": "q", "answers": [{"model": "a", "rating": 4}]}]}, r"rating from 0 to 1 .* got 4"),
        ({"turns": [{"query": "q", "answers": [{"model": "a"}], "preferred": "b"}]}, r"'b' is preferred .* where a"),
        ({"turns": [{"query": "q", "answers": ["a"]}]}, r"model as a text in turn 1"),
    ],
)
def test_what_is_no_session_is_named_with_its_line(tmp_path, change, said):
    with pytest.raises(DataError, match=said):
        read_sessions(write(tmp_path / "s.jsonl", {**SESSION, **change}))


def test_a_torn_line_and_a_session_that_comes_twice_are_refused(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(SESSION) + '\n{"session": "s2", "us')
    with pytest.raises(DataError, match=r"Line 2 of .* is no JSON object"):
        read_sessions(path)
    with pytest.raises(DataError, match=r"'s1' comes twice"):
        read_sessions(write(path, SESSION, SESSION))


def vote(**change):
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    more = [*talk, {"role": "user", "content": "why"}, {"role": "assistant", "content": "because"}]
    return {
        "question_id": 81,
        "model_a": "x",
        "model_b": "y",
        "winner": "model_b",
        "judge": "ada",
        "conversation_a": more,
        "conversation_b": more,
        "turn": 2,
    } | change


def read_votes(path, *votes):
    return IMPORTERS["votes"].read([write(path, *votes)])


def test_votes_become_preferences_of_their_judges(tmp_path):
    table = read_votes(tmp_path / "v.jsonl", vote(), vote(turn=1, winner="tie (bothbad)", judge="bob"))
    assert [query.text for query in table.queries()] == ["why", "hi"]
    assert table.matrix("score", models=["x", "y"]).tolist() == [[0.0, 1.0], [0.5, 0.5]]
    assert [user_of(query) for query in table.queries()] == ["ada", "bob"]
    assert table.cell(table.query_ids[0], "y").response == "because"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"winner": "x"}, "model_a, model_b or a tie as the winner in line 1 .* got 'x'"),
        ({"model_b": "x"}, "two models in line 1"),
        ({"judge": None}, "Nobody is named as the judge in line 1"),
        ({"conversation_b": "hello"}, "messages of a user and an assistant in both conversations of line 1"),
    ],
)
def test_what_is_no_vote_is_named_with_its_line(tmp_path, change, said):
    with pytest.raises(DataError, match=said):
        read_votes(tmp_path / "v.jsonl", vote(**change))
