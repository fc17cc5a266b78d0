import json

import numpy as np
import polars as pl
import pytest

from rl_router import cli
from rl_router.data.importers.llmrouter import read_candidates, read_embeddings
from rl_router.data.table import RoutingTable
from rl_router.encoders import make_encoder
from rl_router.encoders.named_vectors import NamedVectors
from rl_router.errors import DataError
from rl_router.pipeline.model_embeddings import ModelsJob, Skill, describe, embed_models, measured_skills
from rl_router.pool.spec import ModelSpec

POOL = """models:
- {name: small-7b, input_usd_per_mtok: 0.2, output_usd_per_mtok: 0.4, description: A cheap one., capabilities: [maths]}
- {name: big, input_usd_per_mtok: 3, output_usd_per_mtok: 15, context_tokens: 200000}
"""


def table():
    """`small-7b` is right on one of two train sums and on the test sum; `big` was graded on facts alone."""
    rows = [
        ("train", "q0", "sums", "small-7b", 1.0),
        ("train", "q1", "sums", "small-7b", 0.0),
        ("test", "q2", "sums", "small-7b", 1.0),
        ("val", "q3", "facts", "big", 1.0),
        ("val", "q4", "sums", "big", None),
    ]
    frame = pl.DataFrame(rows, schema=["split", "query_id", "task", "model", "score"], orient="row").with_columns(
        dataset=pl.lit("demo"), query=pl.col("query_id"), ground_truth=pl.lit(None), response=pl.lit(None),
        cost_usd=pl.lit(None), prompt_tokens=pl.lit(None), completion_tokens=pl.lit(None),
    )  # fmt: skip
    return RoutingTable(frame)


@pytest.fixture
def job(tmp_path):
    (tmp_path / "pool.yaml").write_text(POOL)
    return ModelsJob(pool=str(tmp_path / "pool.yaml"), encoder="hashing:64", out=tmp_path / "out")


def test_skills_are_measured_on_what_may_be_learned_from():
    assert measured_skills(table()) == {
        "small-7b": {"sums": Skill(score=0.5, queries=2)},
        "big": {"facts": Skill(score=1.0, queries=1)},
    }
    with pytest.raises(DataError, match="no split to learn from"):
        measured_skills(table().select(split="test"))


def test_a_model_is_described_in_sentences():
    spec = ModelSpec(
        name="small-7b",
        input_usd_per_mtok=0.2,
        output_usd_per_mtok=0.4,
        description="A cheap one.",
        capabilities=("maths", "code"),
        context_tokens=128000,
    )
    assert describe(spec, {"sums": Skill(score=0.5, queries=2), "facts": Skill(score=0.9, queries=3)}) == (
        "small-7b: A cheap one. Good at maths, code. Reads up to 128,000 tokens. Costs $0.2 per million input tokens"
        " and $0.4 per million output tokens. Scores 90 % on facts. Scores 50 % on sums."
    )


def test_vectors_texts_and_llmrouters_files_agree(job):
    embed_models(job)
    named = NamedVectors.read(job.out / "model_embeddings.safetensors")
    entries = json.loads((job.out / "models.json").read_text())
    texts = [entry["text"] for entry in entries]
    assert named.names == ("small-7b", "big") and named.about["encoder"] == "hashing:64"
    np.testing.assert_array_equal(named.vectors, make_encoder("hashing:64").encode(texts))
    theirs = read_embeddings(job.out / "default_llm_embeddings.json")
    np.testing.assert_allclose(np.stack(list(theirs.values())), named.vectors)
    small, _ = read_candidates(job.out / "default_llm.json")
    assert (small.size, small.feature, small.input_price) == ("7B", texts[0], 0.2)


def test_measured_skill_moves_the_vector(job, tmp_path):
    table().write(tmp_path / "table.parquet")
    embed_models(job)
    before = NamedVectors.read(job.out / "model_embeddings.safetensors").vectors
    embed_models(ModelsJob(pool=job.pool, encoder=job.encoder, out=job.out, table=tmp_path / "table.parquet"))
    after = NamedVectors.read(job.out / "model_embeddings.safetensors").vectors
    assert (np.linalg.norm(before - after, axis=1) > 0.1).all()
    skills = {entry["name"]: entry["skills"] for entry in json.loads((job.out / "models.json").read_text())}
    assert skills["small-7b"] == {"sums": {"score": 0.5, "queries": 2}}


def test_a_table_of_other_models_is_refused_and_nothing_is_written(job, tmp_path):
    table().write(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="grades none of the models of the pool"):
        embed_models(ModelsJob(pool="zeroeval", table=tmp_path / "table.parquet", out=job.out))
    assert not job.out.exists()


def test_the_command_takes_a_recipe_and_changes(tmp_path, capsys):
    assert cli.main(["data", "models", "zeroeval", "encoder=hashing:32", f"out={tmp_path}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / name)
        for name in ("models.json", "model_embeddings.safetensors", "default_llm.json", "default_llm_embeddings.json")
    ]
    assert cli.main(["data", "models", "zeroeval", "encodr=hashing:32"]) == 2
    assert "unknown key encodr in recipe zeroeval; did you mean encoder?" in capsys.readouterr().err
