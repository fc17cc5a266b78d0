from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable, Row
from rl_router.errors import DataError

ZEROEVAL = Path(__file__).parents[2].parent / "shared" / "data" / "zeroeval" / "responses_pool10.parquet"


def rows(**changes: object) -> pl.DataFrame:
    """Two questions (q1 train, q2 test), two models; `mini` was not graded on q2 and `big` has no row there."""
    columns: dict[str, object] = {
        "dataset": ["demo"] * 3,
        "split": ["train", "train", "test"],
        "query_id": ["q1", "q1", "q2"],
        "query": ["1 + 1?", "1 + 1?", "capital of France?"],
        "task": ["sum", "sum", "fact"],
        "ground_truth": ["2", "2", '["Paris", "paris city"]'],
        "model": ["mini", "big", "mini"],
        "score": [0.0, 1.0, None],
        "cost_usd": [0.001, 0.02, 0.002],
        "prompt_tokens": [5, 5, 7],
        "completion_tokens": [1, 3, None],
        "response": ["3", "2", None],
    }
    return pl.DataFrame(columns | changes)


def refusal(frame: pl.DataFrame) -> str:
    with pytest.raises(DataError) as error:
        RoutingTable(frame, where="table")
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_table_survives_a_round_trip_through_parquet_with_its_extra_columns(tmp_path):
    path = tmp_path / "new" / "table.parquet"
    RoutingTable(rows(pred=["a", "b", "c"])).write(path)
    assert RoutingTable.read(path).frame.equals(RoutingTable(rows(pred=["a", "b", "c"])).frame)
    assert [p.name for p in path.parent.iterdir()] == ["table.parquet"]


def test_a_write_that_fails_leaves_the_old_table_whole(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    table = RoutingTable(rows())
    table.write(path)
    before = path.read_bytes()

    def full_disk(self, file, **options):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full_disk)
    with pytest.raises(DataError, match="No space left"):
        table.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]


def test_each_question_comes_once_in_file_order_with_its_aliases():
    first, second = RoutingTable(rows()).queries()
    assert (first.query_id, first.text, first.answers, first.task, first.split) == (
        "q1",
        "1 + 1?",
        ("2",),
        "sum",
        "train",
    )
    assert second.answers == ("Paris", "paris city")
    assert [q.query_id for q in RoutingTable(rows()).queries("test")] == ["q2"]


def test_a_question_without_ground_truth_has_no_answers():
    assert RoutingTable(rows(ground_truth=[None, None, None])).queries()[0].answers == ()


def test_the_matrix_holds_nan_for_the_ungraded_and_for_the_missing():
    scores = RoutingTable(rows()).matrix("score")
    np.testing.assert_array_equal(scores, [[0.0, 1.0], [np.nan, np.nan]])


def test_the_matrix_follows_the_order_asked_for():
    table = RoutingTable(rows())
    np.testing.assert_array_equal(
        table.matrix("cost_usd", ["q2", "q1"], ["big", "mini"]), [[np.nan, 0.002], [0.02, 0.001]]
    )
    with pytest.raises(DataError, match="no column of numbers 'query'; choose one of score, cost_usd"):
        table.matrix("query")
    with pytest.raises(DataError, match="no model 'huge'; it has big, mini"):
        table.matrix("score", models=["huge"])


def test_a_cell_is_a_row_or_none():
    table = RoutingTable(rows())
    assert table.cell("q1", "big") == Row(
        query_id="q1", model="big", score=1.0, cost_usd=0.02, prompt_tokens=5, completion_tokens=3, response="2"
    )
    assert table.cell("q2", "mini").score is None
    assert table.cell("q2", "big") is None


def test_a_selection_narrows_models_split_and_task():
    table = RoutingTable(rows())
    assert table.models == ("mini", "big")
    assert table.select(models=["big"]).query_ids == ("q1",)
    assert table.select(split="test").models == ("mini",)
    assert table.select(task="sum").query_ids == table.select(task=("sum",)).query_ids == ("q1",)
    with pytest.raises(DataError, match="no split 'val'; it has test, train"):
        table.select(split="val")


def test_scores_stored_as_32_bit_or_whole_numbers_are_read():
    assert RoutingTable(rows(score=[0, 1, None])).cell("q1", "big").score == 1.0
    assert RoutingTable(rows().with_columns(pl.col("score").cast(pl.Float32))).cell("q1", "big").score == 1.0


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"score": [0.0, 1.5, None]}, "score = 1.5 for model 'big' on query 'q1'"),
        ({"score": [0.0, float("nan"), None]}, "score = nan"),
        ({"score": ["good", "bad", None]}, "has 'score' as String"),
        ({"cost_usd": [0.001, -0.02, None]}, "cost_usd = -0.02"),
        ({"cost_usd": [0.001, float("inf"), None]}, "cost_usd = inf"),
        ({"prompt_tokens": [5, -5, None]}, "prompt_tokens = -5"),
        ({"prompt_tokens": [5.5, 5.0, None]}, "'prompt_tokens' as Float64 with values that are no Int64"),
        ({"model": ["mini", "mini", "mini"]}, "more than one row for model 'mini' on query 'q1'"),
        ({"query": ["1 + 1?", "1 + 2?", "x"]}, "gives query 'q1' 2 different texts"),
        ({"split": ["train", "test", "test"]}, "gives query 'q1' 2 different splits"),
        ({"model": ["mini", None, "mini"]}, "1 rows without a 'model'"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused_in_one_sentence(changes, part):
    assert part in refusal(rows(**changes))


def test_missing_columns_are_named():
    assert "lacks the columns model, cost_usd;" in refusal(rows().drop("cost_usd", "model"))


def test_what_is_no_parquet_is_refused(tmp_path):
    text = tmp_path / "table.parquet"
    text.write_text("query,model\n")
    with pytest.raises(DataError, match="cannot be read as a parquet file"):
        RoutingTable.read(text)
    with pytest.raises(DataError, match="There is no routing table at"):
        RoutingTable.read(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="There is no routing table at"):
        RoutingTable.read(tmp_path)


def test_a_parquet_cut_in_half_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    RoutingTable(rows()).write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot be read as a parquet file") as error:
        RoutingTable.read(path)
    assert "\n" not in str(error.value)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    rows().clear().write_parquet(path)
    with pytest.raises(DataError, match="has no rows"):
        RoutingTable.read(path)


@pytest.mark.skipif(not ZEROEVAL.exists(), reason="the recorded answers of ../shared/data/zeroeval are not here")
def test_the_recorded_answers_of_zeroeval_are_whole():
    table = RoutingTable.read(ZEROEVAL)
    scores = table.matrix("score")
    assert scores.shape == (2840, 10)
    assert not np.isnan(scores).any()
    test_ids = [q.query_id for q in table.queries("test")]
    assert len(test_ids) == 574
    assert table.matrix("score", test_ids).max(axis=1).mean() == pytest.approx(
        0.9303, abs=5e-5
    )  # shared README: oracle
