import json
import pickle

import numpy as np
import polars as pl
import pytest

from rl_router import cli
from rl_router.data.importers import IMPORTERS
from rl_router.data.importers.llmrouter import read_candidates, read_embeddings
from rl_router.data.table import RoutingTable
from rl_router.encoders import make_encoder
from rl_router.encoders.named_vectors import NamedVectors
from rl_router.errors import DataError
from rl_router.pipeline.llmrouter_files import candidate_of, read_query_embeddings, write_files
from rl_router.pool.spec import ModelSpec

SPECS = (
    ModelSpec(name="small-7b-it", input_usd_per_mtok=0.2, output_usd_per_mtok=0.4, description="A small one."),
    ModelSpec(name="big", input_usd_per_mtok=1.0, output_usd_per_mtok=3.0),
)


def table():
    """Two train questions and one in test that is also in train; `big` was never graded on the second."""
    rows = [
        ("train", "q0", "Six times seven?", "42", "small-7b-it", 1.0, "42"),
        ("train", "q0", "Six times seven?", "42", "big", 1.0, "It is 42"),
        ("train", "q1", "Capital of France?", '["Paris", "paris city"]', "small-7b-it", 0.0, "Lyon"),
        ("train", "q1", "Capital of France?", '["Paris", "paris city"]', "big", None, None),
        ("test", "q2", "Six times seven?", "42", "small-7b-it", 0.0, "43"),
    ]
    names = ("split", "query_id", "query", "ground_truth", "model", "score", "response")
    frame = pl.DataFrame(rows, schema=list(names), orient="row").with_columns(
        dataset=pl.lit("demo"), task=pl.lit("t"), prompt_tokens=100, completion_tokens=30, latency_s=1.5,
        cost_usd=pl.when(pl.col("model") == "big").then(190e-6).otherwise(32e-6),
    )  # fmt: skip
    return RoutingTable(frame)


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("torch")
    write_files(table(), tmp_path, specs=SPECS, encoder=make_encoder("hashing:16"))
    return tmp_path


def test_what_was_written_is_imported_as_the_same_table(folder):
    again = IMPORTERS["llmrouter"].read([folder])
    columns = ["split", "query", "task", "ground_truth", "model", "score", "cost_usd", "prompt_tokens",
               "completion_tokens", "response", "latency_s"]  # fmt: skip
    key = ["split", "query", "model"]
    before, after = (t.frame.select(columns).sort(key) for t in (table(), again))
    assert before.drop("cost_usd").equals(after.drop("cost_usd"))
    assert after["cost_usd"].to_list() == pytest.approx(before["cost_usd"].to_list())


def test_a_question_has_one_embedding_wherever_it_stands(folder):
    lines = [
        json.loads(line)
        for split in ("train", "test")
        for line in (folder / "routing_data" / f"default_routing_{split}_data.jsonl").read_text().splitlines()
    ]
    assert [line["embedding_id"] for line in lines] == [0, 0, 1, 1, 0]
    vectors = read_query_embeddings(folder / "routing_data" / "query_embeddings_hashing_16.pt")
    expected = make_encoder("hashing:16").encode(["Six times seven?", "Capital of France?"])
    np.testing.assert_array_equal(np.stack([vectors[0], vectors[1]]), expected)


def test_the_questions_file_has_what_llmrouters_loader_asks_for(folder):
    first, second = map(json.loads, (folder / "query_data" / "query_data_train.jsonl").read_text().splitlines())
    assert {"task_name", "query", "ground_truth", "metric", "choices", "task_id"} == set(first)
    assert (first["ground_truth"], second["ground_truth"]) == ("42", ["Paris", "paris city"])


def test_candidates_and_their_vectors_are_read_back(folder):
    small, big = read_candidates(folder / "llm_candidates" / "default_llm.json")
    assert (small.name, small.size, small.feature, small.output_price) == ("small-7b-it", "7B", "A small one.", 0.4)
    assert (big.size, big.feature) == ("", "big")
    vectors = read_embeddings(folder / "llm_candidates" / "default_llm_embeddings.json")
    np.testing.assert_allclose(vectors["big"], make_encoder("hashing:16").encode(["big"])[0])


@pytest.mark.parametrize(
    ("name", "size"), [("Mixtral-8x22B-v0.1", "22B"), ("qwen2.5-0.5b", "0.5B"), ("gpt-4o", ""), ("4bit-model", "")]
)
def test_the_size_is_read_from_the_name(name, size):
    assert candidate_of(ModelSpec(name=name, input_usd_per_mtok=0, output_usd_per_mtok=0)).size == size


def test_tensors_that_bring_code_are_refused_and_do_not_run(tmp_path):
    torch = pytest.importorskip("torch")

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    (tmp_path / "pickle.pt").write_bytes(pickle.dumps({0: Evil()}))
    torch.save({0: Evil()}, tmp_path / "zip.pt")
    for name in ("pickle.pt", "zip.pt"):
        with pytest.raises(DataError, match="without running code") as error:
            read_query_embeddings(tmp_path / name)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


def test_a_matrix_of_embeddings_is_read_by_row(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.eye(3), tmp_path / "matrix.pt")
    assert read_query_embeddings(tmp_path / "matrix.pt")[1].tolist() == [0.0, 1.0, 0.0]


def test_query_embeddings_come_back_by_query_id(folder, capsys):
    out, vectors = folder / "table.parquet", folder / "vectors.safetensors"
    arguments = ["data", "import", "llmrouter", str(folder), "--out", str(out), "--vectors", str(vectors)]
    assert cli.main(arguments) == 0
    named = NamedVectors.read(vectors)
    texts = {query.query_id: query.text for query in RoutingTable.read(out).queries()}
    assert set(named.names) == set(texts) and len(texts) == 3
    np.testing.assert_array_equal(named.vectors, make_encoder("hashing:16").encode([texts[i] for i in named.names]))
    (folder / "routing_data" / "query_embeddings_other.pt").write_bytes(b"")
    assert cli.main(arguments) == 2
    assert "Expected one file of query embeddings" in capsys.readouterr().err


def test_a_table_goes_out_and_comes_back_by_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table().write("table.parquet")
    (tmp_path / "pool.yaml").write_text(
        "models: [{name: big, input_usd_per_mtok: 1, output_usd_per_mtok: 3},"
        " {name: elsewhere, input_usd_per_mtok: 1, output_usd_per_mtok: 3}]"
    )
    assert cli.main(["data", "export", "llmrouter", "table.parquet", "out", "--pool", "pool.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "out/query_data/query_data_train.jsonl",
        "out/query_data/query_data_test.jsonl",
        "out/routing_data/default_routing_train_data.jsonl",
        "out/routing_data/default_routing_test_data.jsonl",
        "out/llm_candidates/default_llm.json",
    ]
    assert [c.name for c in read_candidates(tmp_path / "out" / "llm_candidates" / "default_llm.json")] == ["big"]
    assert cli.main(["data", "import", "llmrouter", "out", "--out", "again.parquet"]) == 0
    assert "again.parquet: 3 queries x 2 models, 5 rows" in capsys.readouterr().out
    assert RoutingTable.read("again.parquet").models == ("small-7b-it", "big")
