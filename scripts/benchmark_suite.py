"""Times a suite of 12,000 queries × 30 models × 25 routers from parquet: python scripts/benchmark_suite.py FOLDER

Makes the table (a third more queries to fit on), then runs `rl-router evaluate` in a process of its own and prints its
time, its memory and the size of its page. Of the 25 routers, 18 are fitted or fixed here and seven are reference rows.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

QUERIES, FIT, MODELS, TASKS = 12_000, 4_000, 30, 20


def write_table(path: Path) -> None:
    rng = np.random.default_rng(0)
    n = QUERIES + FIT
    task, skill = rng.integers(0, TASKS, n), rng.normal(0, 1, (TASKS, MODELS))
    right = rng.random((n, MODELS)) < 1 / (1 + np.exp(-(skill[task] + np.linspace(-1, 1.5, MODELS))))
    words = np.array([f"word{i}" for i in range(3_000)])
    texts = [" ".join([f"task{task[i]}", f"id{i}", *rng.choice(words, 30)]) for i in range(n)]
    q, m = np.repeat(np.arange(n), MODELS), np.tile(np.arange(MODELS), n)
    tokens = rng.integers(20, 400, n * MODELS)
    frame = pl.DataFrame({"q": q, "m": m}).with_columns(
        dataset=pl.lit("made"), split=pl.when(pl.col("q") < QUERIES).then(pl.lit("test")).otherwise(pl.lit("train")),
        query_id=pl.format("q{}", "q"), query=pl.Series(np.array(texts, dtype=object)[q], dtype=pl.String),
        task=pl.format("task{}", pl.Series(task[q])), ground_truth=pl.lit("x"),
        model=pl.format("provider/model-{}", "m"),
        score=pl.Series(right.ravel().astype(float)), cost_usd=pl.Series(1e-6 * 1.2**m * tokens),
        prompt_tokens=pl.lit(40), completion_tokens=pl.Series(tokens), response=pl.lit(None, pl.String),
    )  # fmt: skip
    frame.drop("q", "m").write_parquet(path, compression="zstd")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "table.parquet"
    if not table.is_file():
        write_table(table)
    routers = ["svm", "cluster", "threshold", "best_per_task:0", *(f"best_per_task:{p}" for p in (1, 2, 5, 10, 20, 50))]
    listed = [
        name if ":" not in name else f"{{router: best_per_task, prior: {name.partition(':')[2]}}}" for name in routers
    ] + [f"model:provider/model-{i}" for i in range(8)]
    command = [
        sys.executable, "-m", "rl_router.cli", "evaluate", "routerbench", f"table={table}", f"run_dir={folder / 'run'}",
        f"routers=[{', '.join(listed)}]", "resume=false",
    ]  # fmt: skip
    began_s = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall_s = time.monotonic() - began_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "wall_s": round(wall_s, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_gib": round(used.ru_maxrss / 2**20, 2),
        "html_mb": round((folder / "run" / "report.html").stat().st_size / 1e6, 2),
        "lines_mb": round((folder / "run" / "lines.jsonl").stat().st_size / 1e6, 1),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
