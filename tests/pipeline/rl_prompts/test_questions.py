from dataclasses import replace

import pytest

from rl_router.data.queries import write_queries
from rl_router.errors import DataError, RecipeError
from rl_router.pipeline.rl_prompts.job import Difficulty, Source
from rl_router.pipeline.rl_prompts.questions import read_questions, token_counts
from rl_router.types import Query


def ids(questions):
    return {question.query.query_id for question in questions}


def test_questions_that_all_or_no_models_get_right_are_left_out_and_counted(job):
    questions, counts = read_questions(job(difficulty=Difficulty(min_pass_rate=0.3, max_pass_rate=0.9)))
    # pass rates by pairs: 1, 5/6, 4/6, 3/6, 2/6, 1/6
    assert ids(questions) == {f"q{i}" for i in range(2, 10)}
    count = counts["s"]
    assert (count.read, count.too_easy, count.too_hard, count.kept) == (12, 2, 2, 8)
    assert {q.query.query_id: q.pass_rate for q in questions}["q4"] == pytest.approx(4 / 6)


def test_a_pass_rate_can_be_that_of_some_models(job):
    questions, _ = read_questions(job(difficulty=Difficulty(max_pass_rate=0.5, models=("a1", "c1"))))
    assert ids(questions) == {f"q{i}" for i in range(2, 12)}  # c1 is right on q0 and q1 alone, a1 always


def test_a_source_is_narrowed_and_drawn_from(job):
    questions, counts = read_questions(job(source={"datasets": ("nq",), "n": 4}))
    assert len(questions) == 4 and all(q.query.dataset == "nq" for q in questions)
    assert (counts["s"].read, counts["s"].not_drawn) == (6, 2)
    more, _ = read_questions(job(source={"datasets": ("nq",), "n": 5}))
    assert ids(questions) < ids(more)  # a larger draw holds the smaller one


def test_a_question_that_two_sources_share_is_asked_once(job, table_file):
    twice = replace(job(), sources={name: Source(table=table_file) for name in ("first", "second")})
    with pytest.raises(DataError, match="has no question of split 'train' in .* that it asks for"):
        read_questions(replace(twice, sources={"x": Source(table=table_file, tasks=("none",))}))
    questions, counts = read_questions(twice)
    assert (len(questions), counts["second"].repeated) == (12, 12)


def test_a_question_is_its_data_set_and_id_and_what_is_seen_of_it(job, tmp_path):
    queries = [
        Query(
            query_id=f"{dataset}/{number}", text=text, answers=(), task="t", split="train", dataset=dataset, meta=meta
        )
        for dataset, number, text, meta in (
            ("figures", 1, "Find x.", {"images": ["data:image/png;base64,AA=="]}),
            ("figures", 2, "Find x.", {"images": ["data:image/png;base64,BB=="]}),
            ("figures", 3, "Find x.", {"images": ["data:image/png;base64,AA=="]}),  # 1 again
            ("words", 1, "Find x.", {}),
        )
    ]
    write_queries(tmp_path / "queries.parquet", queries)
    questions, counts = read_questions(job(sources={"s": Source(queries=tmp_path / "queries.parquet")}))
    assert ids(questions) == {"figures/1", "figures/2", "words/1"}
    assert (counts["s"].read, counts["s"].repeated, counts["s"].same_wording) == (4, 0, 1)
    assert {q.identity for q in questions} >= {'["figures", "figures/1"]', '["words", "words/1"]'}


def test_two_data_sets_may_use_one_id(job, tmp_path):
    for dataset in ("one", "other"):
        query = Query(query_id="7", text=f"text of {dataset}", answers=(), task="t", split="train", dataset=dataset)
        write_queries(tmp_path / f"{dataset}.parquet", [query])
    sources = {name: Source(queries=tmp_path / f"{name}.parquet") for name in ("one", "other")}
    questions, counts = read_questions(job(sources=sources))
    assert len(questions) == 2 and counts["other"].repeated == 0


def test_a_question_that_is_also_in_test_is_not_trained_on(job, tmp_path):
    queries = [
        Query(query_id=name, text=text, answers=(), task="t", split=split)
        for name, text, split in (
            ("a", "one", "train"),
            ("b", "two", "train"),
            ("c", "one", "test"),
            ("d", "two", "val"),
        )
    ]
    write_queries(tmp_path / "queries.parquet", queries)
    questions, counts = read_questions(job(sources={"s": Source(queries=tmp_path / "queries.parquet")}))
    assert ids(questions) == {"b"}  # what is in val may be learned from
    assert (counts["s"].read, counts["s"].held_out, counts["s"].repeated) == (2, 1, 0)


def test_router_r1_asks_with_a_question_mark(job):
    questions, _ = read_questions(job(source={"end_with_question_mark": True}))
    assert {q.query.text[-2:] for q in questions} >= {"0?", "1?"}


def test_a_queries_file_has_no_pass_rates(job, tmp_path):
    queries = [
        Query(query_id=f"x{i}", text=f"text {i}", answers=("1",), task="t", split=split)
        for i, split in enumerate(("train", "test", "train"))
    ]
    write_queries(tmp_path / "queries.parquet", queries)
    source = {"s": Source(queries=tmp_path / "queries.parquet")}
    questions, _ = read_questions(job(sources=source))
    assert ids(questions) == {"x0", "x2"}
    with pytest.raises(DataError, match="No question is left"):
        read_questions(job(sources=source, difficulty=Difficulty()))


@pytest.fixture
def tokenizer(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    (tmp_path / "tokenizer").mkdir()
    words.save(str(tmp_path / "tokenizer" / "tokenizer.json"))
    return str(tmp_path / "tokenizer")


def test_long_questions_are_left_out_and_counted(job, tokenizer, tmp_path):
    assert token_counts(["one two", "one, two"], tokenizer) == [2, 3]
    queries = [Query(query_id=str(n), text="word " * n, answers=(), task="t", split="train") for n in (2, 3, 4)]
    write_queries(tmp_path / "queries.parquet", queries)
    source = {"s": Source(queries=tmp_path / "queries.parquet")}
    questions, counts = read_questions(job(sources=source, tokenizer=tokenizer, max_question_tokens=3))
    assert ids(questions) == {"2", "3"} and counts["s"].too_long == 1


def test_a_limit_without_a_tokenizer_is_refused(job):
    with pytest.raises(RecipeError, match="needs a tokenizer to count with"):
        job(max_question_tokens=3)
