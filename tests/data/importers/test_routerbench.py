import pickle

import polars as pl
import pytest

from rl_router.data.importers import IMPORTERS
from rl_router.errors import DataError


def wide(**changes):
    columns = {
        "sample_id": ["arc.1", "arc.2"],
        "prompt": ["['Choose.\\nWhich?', 'Answer:']", "Plain [text]?"],
        "eval_name": ["arc", "arc"],
        "org/a": [1.0, 0.0],
        "b": [0.0, None],
        "org/a|model_response": ["['A']", "[no"],
        "b|model_response": ["['B']", None],
        "org/a|total_cost": [0.001, 0.002],
        "b|total_cost": [0.0001, None],
        "oracle_model_to_route_to": ["org/a", "no_model_correct"],
    }
    return pl.DataFrame(columns | changes)


def read(tmp_path, frame, name="test.csv"):
    path = tmp_path / name
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return IMPORTERS["routerbench"].read([tmp_path])


@pytest.mark.parametrize("name", ["arc_test.csv", "arc_test.parquet"])
def test_a_wide_row_becomes_a_row_per_model_that_answered(tmp_path, name):
    table = read(tmp_path, wide(), name)
    assert [(r["query_id"], r["model"], r["score"], r["cost_usd"]) for r in table.frame.iter_rows(named=True)] == [
        ("arc.1", "org/a", 1.0, 0.001),
        ("arc.1", "b", 0.0, 0.0001),
        ("arc.2", "org/a", 0.0, 0.002),
    ]
    assert [q.text for q in table.queries("test")] == ["Choose.\nWhich?\nAnswer:", "Plain [text]?"]
    assert table.frame["response"].to_list() == ["A", "B", "[no"]


def test_a_question_stored_as_two_rows_is_joined_under_the_fuller_one(tmp_path):
    part = wide(sample_id=["x", "y"], prompt=["Same?", "Other?"])
    wide(sample_id=["half", "z"], prompt=["Same?", "Third?"], **{"org/a": [None, 1.0]}).write_csv(tmp_path / "test.csv")
    part.with_columns(pl.when(pl.col("sample_id") == "x").then(None).otherwise("b").alias("b")).write_csv(
        tmp_path / "train.csv"
    )
    table = IMPORTERS["routerbench"].read([tmp_path])
    same = table.frame.filter(pl.col("query") == "Same?")
    assert same["query_id"].n_unique() == 1 and set(same["model"]) == {"org/a", "b"}


def test_the_same_question_asked_again_stays_a_query_of_its_own(tmp_path):
    table = read(tmp_path, wide(prompt=["Same?", "Same?"]))
    assert table.query_ids == ("arc.1", "arc.2")


def test_a_pickle_is_refused_and_never_read(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    (tmp_path / "routerbench_0shot.pkl").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match="is a pickle, and reading one can run any code"):
        IMPORTERS["routerbench"].read([tmp_path])
    assert not (tmp_path / "ran").exists()


def test_a_table_without_costs_is_refused(tmp_path):
    with pytest.raises(DataError, match="lacks columns that end in"):
        read(tmp_path, wide().select("sample_id", "prompt", "eval_name", "b"))
    with pytest.raises(DataError, match="lacks sample_id"):
        read(tmp_path, wide().drop("sample_id"))
