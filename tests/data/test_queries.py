import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.data.queries import (
    QUERY_SCHEMA,
    dump_answers,
    message_content,
    parse_answers,
    queries_frame,
    read_queries,
    write_queries,
)
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.types import Query

CAPITAL = Query(
    query_id="demo/test/0",
    text="Capital of France?\nA. Paris\nB. Rome",
    answers=("A",),
    task="demo",
    dataset="demo",
    grader="choice",
    choices={"A": "Paris", "B": "Rome"},
    meta={"subject": "geography", "images": ["data:image/png;base64,AA=="]},
)
OPEN = Query(query_id="demo/train/1", text="Write a poem.", answers=(), task="demo", split="train", dataset="demo")


def test_questions_survive_a_round_trip_with_their_choices_and_meta(tmp_path):
    path = tmp_path / "new" / "queries.parquet"
    write_queries(path, [CAPITAL, OPEN])
    assert read_queries(path) == [CAPITAL, OPEN]
    assert [file.name for file in path.parent.iterdir()] == ["queries.parquet"]


def test_a_queries_file_and_a_models_answers_are_a_routing_table_that_can_be_graded_again():
    answers = {"model": "nano", "score": 1.0, "cost_usd": 0.1, "prompt_tokens": 3, "completion_tokens": 1}
    frame = queries_frame([CAPITAL]).with_columns(
        [pl.lit(v).alias(k) for k, v in answers.items()], response=pl.lit("A")
    )
    assert RoutingTable(frame).queries() == [CAPITAL]


def test_a_table_of_another_project_has_questions_without_grader_choices_or_meta():
    frame = queries_frame([CAPITAL]).drop("grader", "meta").with_columns(choices=pl.lit("['Paris']"))
    frame = frame.with_columns(model=pl.lit("nano"), score=1.0, cost_usd=0.1, prompt_tokens=3, completion_tokens=1)
    (query,) = RoutingTable(frame.with_columns(response=pl.lit("A"))).queries()
    assert (query.grader, query.choices, query.meta) == ("", {}, {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"query_id": ["q", "q"]}, "has the query_id 'q' more than once"),
        ({"choices": ["[]", "{}"]}, "no JSON object in 'choices' of 'demo/test/0'"),
        ({"meta": ["{}", "{"]}, "no JSON object in 'meta' of 'demo/train/1'"),
        ({"grader": ["choice", None]}, "1 rows without a 'grader'"),
    ],
)
def test_a_queries_file_that_breaks_the_schema_is_refused_in_one_sentence(tmp_path, change, says):
    frame = queries_frame([CAPITAL, OPEN]).with_columns([pl.Series(k, v, dtype=pl.String) for k, v in change.items()])
    frame.write_parquet(tmp_path / "queries.parquet")
    with pytest.raises(DataError, match="queries file") as error:
        read_queries(tmp_path / "queries.parquet")
    assert says in str(error.value)


def test_a_missing_column_is_named(tmp_path):
    queries_frame([CAPITAL]).drop("grader").write_parquet(tmp_path / "queries.parquet")
    with pytest.raises(DataError, match="lacks the columns grader; it needs dataset, split"):
        read_queries(tmp_path / "queries.parquet")


def test_the_columns_that_a_routing_table_needs_of_a_question_are_all_there():
    of_a_model = {"model", "score", "cost_usd", "prompt_tokens", "completion_tokens", "response"}
    from rl_router.data.schema import SCHEMA

    assert set(SCHEMA) - of_a_model <= set(QUERY_SCHEMA)


def test_only_a_json_list_of_texts_is_a_list_of_aliases():
    assert parse_answers('["a", "b"]') == ("a", "b")
    assert parse_answers("[1, 2]") == ("[1, 2]",)
    assert parse_answers("[]") == ("[]",)
    assert parse_answers("['a']") == ("['a']",)
    assert parse_answers("18") == ("18",)


def test_answers_are_written_as_plainly_as_they_can_be_read_back():
    assert dump_answers(()) is None
    assert dump_answers(("18",)) == "18"
    assert dump_answers(("a", "b")) == '["a", "b"]'
    assert dump_answers(('["a", "b"]',)) == '["[\\"a\\", \\"b\\"]"]'


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_answers_are_read_back_as_they_were(answers):
    assert parse_answers(dump_answers(answers)) == tuple(answers)


def test_images_come_before_the_text_as_openai_content_parts():
    assert message_content(CAPITAL, "Which?") == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "Which?"},
    ]
    assert message_content(OPEN, "Write.") == "Write."
