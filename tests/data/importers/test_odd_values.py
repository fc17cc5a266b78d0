"""Whatever a file holds, an import is a table or one sentence."""

import json

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rl_router.data.importers import IMPORTERS
from rl_router.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
LINE = {
    "task_name": "t", "query": "q", "ground_truth": "a", "metric": "em", "choices": None, "model_name": "m",
    "response": "r", "input_tokens": 1, "output_tokens": 1, "response_time": 1.0, "performance": 1.0, "embedding_id": 0,
}  # fmt: skip
JUDGEMENT = {"question_id": 1, "model": "m", "turn": 1, "score": 5}
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(name, folder):
    """The table, or the one sentence of its refusal."""
    try:
        return IMPORTERS[name].read([folder])
    except DataError as error:
        assert "\n" not in str(error)
        return str(error)


@QUIET
@given(key=st.sampled_from(sorted(LINE)), value=VALUES)
def test_a_line_of_llmrouter_with_an_odd_value(tmp_path, key, value):
    (tmp_path / "default_routing_train_data.jsonl").write_text(json.dumps(LINE | {key: value}))
    assert outcome("llmrouter", tmp_path)


@QUIET
@given(key=st.sampled_from(sorted(JUDGEMENT)), value=VALUES)
def test_a_judgement_of_routellm_with_an_odd_value(tmp_path, key, value):
    (tmp_path / "question.jsonl").write_text(json.dumps({"question_id": 1, "turns": ["a", "b"]}))
    (tmp_path / "judgements.jsonl").write_text(json.dumps(JUDGEMENT | {key: value}))
    assert outcome("routellm", tmp_path)


@QUIET
@given(text=st.text(max_size=60))
def test_a_csv_with_odd_text(tmp_path, text):
    (tmp_path / "a.csv").write_text("prompt,sample_id,eval_name,m,m|total_cost\n" + text, encoding="utf-8", newline="")
    assert outcome("routellm", tmp_path)
    assert outcome("routerbench", tmp_path)


@QUIET
@given(
    prompt=st.sampled_from([None, "text", ["a"], [{"role": "user"}], [{"role": "user", "content": None}]]),
    reward=st.sampled_from([None, "{}", '{"ground_truth": [1, 2]}', 3, {"ground_truth": None}]),
    extra=st.sampled_from([None, "[]", '{"index": 3}', {"m_pass_rate": "half"}, {"m_pass_rate": 0.5}]),
)
def test_a_row_of_verl_with_odd_columns(tmp_path, prompt, reward, extra):
    row = {"data_source": "d", "prompt": prompt, "reward_model": reward, "extra_info": extra}
    pl.DataFrame([row]).write_parquet(tmp_path / "train.parquet")
    assert outcome("verl", tmp_path)
