"""How long and how large a suite gets: 12,000 queries × 30 models × 25 routers, from parquet to every report.

    python scripts/benchmark_suite.py FOLDER [TABLE]

Makes a routing table with made-up scores (4,000 queries more to fit on) over the questions of TABLE, or over made-up
words, and trains 18 routers on it, each in a folder. What is measured is `rl-router evaluate` on the table and these
folders, a process of its own: 7 of the 25 routers are its reference rows, of which it fits kNN itself. CPU seconds
hardly depend on what else the machine does; wall seconds do.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.errors import CheckpointError
from rl_router.routers.observations import Observations
from rl_router.routers.registry import router_class
from rl_router.routers.router import load_router

QUERIES, FIT, MODELS, TASKS = 12_000, 4_000, 30, 20
ROUTERS: dict[str, tuple[str, dict[str, object]]] = {
    **{name: (name, {}) for name in (
        "svm", "ridge", "cluster", "threshold", "elo", "ensemble", "mlp", "mf", "routerdc",
    )},
    "svm_loose": ("svm", {"c": 0.3}),
    "cluster_64": ("cluster", {"clusters": 64}),
    "elo_global": ("elo", {"weighting": "global"}),
    "tasks_unshrunk": ("best_per_task", {"prior": 0.0}),
    "knn_10": ("knn", {"k": 10}),
    "knn_100": ("knn", {"k": 100}),
    "knn_softmax": ("knn", {"temperature": 0.1}),
    "knn_hashing": ("knn", {"features": "hashing:256"}),
    "knn_lsa": ("knn", {"features": "lsa:256"}),
}  # fmt: skip


def write_table(path: Path, questions: Path | None) -> None:
    rng = np.random.default_rng(0)
    n = QUERIES + FIT
    task, skill = rng.integers(0, TASKS, n), rng.normal(0, 1, (TASKS, MODELS))
    right = rng.random((n, MODELS)) < 1 / (1 + np.exp(-(skill[task] + np.linspace(-1, 1.5, MODELS))))
    texts = made_up(n, rng) if questions is None else read_questions(questions, n)
    q, m = np.repeat(np.arange(n), MODELS), np.tile(np.arange(MODELS), n)
    tokens = rng.integers(20, 400, n * MODELS)
    frame = pl.DataFrame({"q": q, "m": m}).with_columns(
        dataset=pl.lit("made"), split=pl.when(pl.col("q") < QUERIES).then(pl.lit("test")).otherwise(pl.lit("train")),
        query_id=pl.format("q{}", "q"),
        query=pl.format("task{} {}", pl.Series(task[q]), pl.Series(np.array(texts, dtype=object)[q], dtype=pl.String)),
        task=pl.format("task{}", pl.Series(task[q])), ground_truth=pl.lit("x"),
        model=pl.format("provider/model-{}", "m"),
        score=pl.Series(right.ravel().astype(float)), cost_usd=pl.Series(1e-6 * 1.2**m * tokens),
        prompt_tokens=pl.lit(40), completion_tokens=pl.Series(tokens), response=pl.lit(None, pl.String),
    )  # fmt: skip
    frame.drop("q", "m").write_parquet(path, compression="zstd")


def made_up(n: int, rng: np.random.Generator) -> list[str]:
    """Words as often as in language (Zipf), lengths as in benchmarks: the median is 25 words."""
    lengths = np.maximum(5, rng.lognormal(np.log(25), 0.9, n)).astype(int)
    words = np.minimum(rng.zipf(1.4, lengths.sum()), 60_000)
    ends = np.cumsum(lengths)
    return [
        " ".join(f"w{word}" for word in words[end - length : end]) for length, end in zip(lengths, ends, strict=True)
    ]


def read_questions(path: Path, n: int) -> list[str]:
    texts = pl.read_parquet(path, columns=["query"])["query"].unique(maintain_order=True)
    if len(texts) < n:
        raise SystemExit(f"expected {n:,} different questions in {path}, got {len(texts):,}")
    return texts.sample(n, seed=0, shuffle=True).to_list()


def train(table: Path, folder: Path) -> list[str]:
    """The folders of all routers; what was trained before, and can still be read, is kept."""
    observed = Observations.of(RoutingTable.read(table).select(split="train"))
    for name, (kind, options) in ROUTERS.items():
        try:
            load_router(folder / name)
        except CheckpointError:
            router_class(kind)(**options).fit_observed(observed).save(folder / name)
    return [str(folder / name) for name in ROUTERS]


def main(folder: Path, questions: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "table.parquet"
    if not table.is_file():
        write_table(table, questions)
    routers = train(table, folder / "routers")
    command = [
        sys.executable, "-m", "rl_router.cli", "evaluate", "routerbench", f"table={table}", f"run_dir={folder / 'run'}",
        f"routers=[{', '.join(routers)}]", "resume=false",
    ]  # fmt: skip
    began_s = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall_s = time.monotonic() - began_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "wall_s": round(wall_s, 1),
        "peak_gib": round(used.ru_maxrss / 2**20, 2),
        "html_mb": round((folder / "run" / "report.html").stat().st_size / 1e6, 2),
        "lines_mb": round((folder / "run" / "lines.jsonl").stat().st_size / 1e6, 1),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the table, the routers and the run lie")
    parser.add_argument("questions", type=Path, nargs="?", metavar="TABLE", help="whose questions are asked")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.questions)
