"""A gateway on the loopback before a scripted upstream: kNN over three models, chosen by the words of a query.

Questions with "sum" go to `mid`, those with "poem" to `small`, and those with "proof" to `large`.
"""

import os
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import pytest
import yaml
from scripted import ScriptedServer

from rl_router.data.table import RoutingTable
from rl_router.observe.run_folder import RunFolder
from rl_router.routers.knn import Knn
from rl_router.serving.background import BackgroundGateway
from rl_router.serving.job import ServeJob

PRICES = {"small": (1.0, 0.5, 2.0), "mid": (10.0, 5.0, 20.0), "large": (100.0, 50.0, 200.0)}  # input, cached, output
BEST = {"poem": "small", "sum": "mid", "proof": "large"}
KEYS = {"API_KEYS": "sk-upstream-secret-0123456789"}


def rows():
    for word, best in BEST.items():
        for number in range(12):
            for model, (prompt_usd, _, completion_usd) in PRICES.items():
                yield {
                    "dataset": "made_up",
                    "split": "train",
                    "query_id": f"{word}{number}",
                    "query": f"{word} {word} number{number}",
                    "task": word,
                    "ground_truth": None,
                    "model": model,
                    "score": 1.0 if model == best else 0.25,
                    "cost_usd": (10 * prompt_usd + 20 * completion_usd) / 1e6,
                    "prompt_tokens": 10,
                    "completion_tokens": 20,
                    "response": "yes",
                }


@pytest.fixture(scope="session")
def table():
    """What the routers here are fitted on."""
    return RoutingTable(pl.DataFrame(list(rows())))


@pytest.fixture(scope="session")
def run(tmp_path_factory, table):
    """The run folder of a fitted kNN router."""
    folder = tmp_path_factory.mktemp("runs") / "knn"
    Knn(k=5, prior=0.1).fit(table).save(folder / "router")
    return folder


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    """The pool file of the three models, whose endpoint a job gives."""
    path = tmp_path_factory.mktemp("pools") / "three.yaml"
    models = [
        {"name": n, "input_usd_per_mtok": i, "cached_input_usd_per_mtok": c, "output_usd_per_mtok": o,
         "capabilities": ["images"]}
        for n, (i, c, o) in PRICES.items()
    ]  # fmt: skip
    path.write_text(yaml.safe_dump({"models": models}))
    return path


@pytest.fixture(scope="session")
def policy_run(tmp_path_factory):
    """The run folder of a policy that was warm-started until it asks, and hardly longer."""
    pytest.importorskip("torch")
    from rl_router.observe.files import write_json
    from rl_router.policy.prepare import make_policy
    from rl_router.recipe import load_job
    from rl_router.rl.job import job_to_dict

    folder = RunFolder(tmp_path_factory.mktemp("runs") / "tiny")
    changes = ["task.n_train=60", "warm_start.demonstrations=400", "warm_start.steps=120", f"run_dir={folder.path}"]
    job = load_job("quickstart", changes)
    make_policy(
        job.policy, job.warm_start, task=job.task.build(), cost_weights=job.cost_weights, tell_cost_weight=True,
        limits=job.limits, seed=0, folder=folder.policy,
    )  # fmt: skip
    write_json(folder.config, job_to_dict(job))
    return folder.path


@pytest.fixture
def gateway(run, pool, tmp_path):
    """`with gateway(reply, **changes of the job) as (gateway, upstream)`."""

    @contextmanager
    def started(reply, environment=KEYS, **changes):
        with ScriptedServer(reply) as upstream:
            job = ServeJob(
                pool=str(pool), routers={"knn": run}, endpoint=upstream.url, port=0, log=tmp_path / "log.jsonl"
            )
            running = BackgroundGateway(replace(job, **changes), {**os.environ, **environment})
            try:
                yield running, upstream
            finally:
                running.stop()

    return started
