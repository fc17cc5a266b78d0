import json
from pathlib import Path

import pytest

from rl_router.encoders.cache import CachedEncoder, VectorCache
from rl_router.errors import RecipeError
from rl_router.evaluation.speed.router_run import RouterRun, latencies, make_router, measure, synthetic
from rl_router.evaluation.speed.router_table import main, markdown, parse, speed_markdown

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def test_a_router_is_written_with_its_hyper_parameters():
    assert parse("ridge strength=20 features=tfidf") == {"kind": "ridge", "strength": 20, "features": "tfidf"}
    with pytest.raises(RecipeError, match="key=value"):
        parse("ridge 20")
    with pytest.raises(RecipeError, match="unknown router"):
        parse("rigde")


def test_a_synthetic_table_has_the_size_that_it_says():
    table = synthetic(200, 3)
    assert table.frame.height == 600
    assert len(table.query_ids) == 200
    assert table.models == ("model00", "model01", "model02")


def test_the_table_shows_the_mean_of_the_seeds_and_what_a_cheaper_point_reaches():
    def row(quality):
        points = [{"quality": quality, "macro": quality, "cost_usd": 1e-3}, {"quality": 0.5, "cost_usd": 4e-4}]
        times = {"fit_cpu_s": 2.0, "single_ms": 1.0, "batch_ms": 0.5, "batch_encoder_ms": None, "peak_rss_bytes": 10**9}
        return {"name": "knn", "frontier": points, **times}

    last = markdown([row(0.6), row(0.7)]).splitlines()[-1]  # standard error 5 = 7.07 / √2
    assert last == ("| knn | 65.00 ± 5.00 | 65.00 ± 5.00 | 1000 | 50.00 ± 0.00 @ 400 | 2.00 | 1.00 | 0.50 | – | 1.00 |")
    assert "| svm | not done after 5 s |" in markdown([{"name": "svm", "error": "not done after 5 s"}])


def test_the_table_of_speeds_sets_the_encoder_beside_the_whole():
    times = {"single_ms": 2.0, "single_encoder_ms": 0.25, "batch_ms": 1.0, "batch_encoder_ms": None, "fit_cpu_s": 9.0}
    assert speed_markdown([{"name": "knn", **times}]).splitlines()[-1] == "| knn | 2.000 | 0.250 | 1.000 | – | 9.0 |"
    assert "| svm | it was killed |" in speed_markdown([{"name": "svm", "error": "it was killed"}])


class NeverRead(VectorCache):
    def read(self, keys):
        raise AssertionError("a text that was encoded before costs nothing")


def test_the_time_of_an_encoder_is_that_of_texts_it_has_not_seen(tmp_path):
    router = make_router({"kind": "knn", "features": "hashing:32"}, 0).fit(synthetic(300, 3))
    router.features_._encoder = CachedEncoder(router.features_._encoder, NeverRead(tmp_path / "vectors.sqlite"))
    times = latencies(router, synthetic(20, 3, seed=1).queries())
    assert times["single_encoder_ms"] > 0
    assert times["batch_encoder_ms"] > 0


@pytest.mark.timeout(110)
def test_what_was_measured_is_not_measured_again(tmp_path, capsys):
    arguments = ["synthetic:300x3", "--routers", "best_per_task", "--folder", str(tmp_path), "--json"]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert "error" not in first[0]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 1


@pytest.mark.skipif(not DATA.is_dir(), reason="the real routing tables are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "split", "of", "expected"),
    [("routerdc", "test_id", "macro", 58.67), ("routerdc", "test_ood", "macro", 40.69)]
    + [("routerbench_subset", "test", "quality", 87.96), ("llmrouter_example", "test", "quality", 61.49)],
)
def test_best_per_task_has_the_quality_that_is_known_of_the_real_tables(name, split, of, expected):
    leaked = DATA / name / "test_ids_leaked_into_train.json"
    run = RouterRun(
        router={"kind": "best_per_task", "prior": 0},
        data=str(DATA / name / "long.parquet"),
        test_split=split,
        left_out=str(leaked) if leaked.is_file() else None,
    )
    assert 100 * measure(run)["frontier"][0][of] == pytest.approx(expected, abs=0.01)
