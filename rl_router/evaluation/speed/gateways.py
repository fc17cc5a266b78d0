"""The gateways that are measured beside ours: LiteLLM's proxy and RouteLLM's server, wherever they are installed.

Ours routes every request by kNN over graded queries of two models; LiteLLM's proxy has one model and
chooses nothing; RouteLLM's server routes by its random router, the only one that needs no network.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.evaluation.speed.gateway_cost import Contender
from rl_router.routers.knn import Knn

GRADED = 10_000
INPUT_USD_PER_MTOK, OUTPUT_USD_PER_MTOK = 1.0, 2.0
TOPICS = ("primes", "rivers", "poems", "integrals", "capitals", "sonnets", "proofs", "recipes", "regex", "planets")
LITELLM = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_LOG": "ERROR"}


def ours(folder: Path, *changes: str, graded: int = GRADED) -> Contender:
    """kNN over `graded` queries in the path of each request, and the log on. `changes` are keys of the recipe."""
    _fit(folder / "knn", graded)
    pool = folder / "pool.yaml"
    price = {"input_usd_per_mtok": INPUT_USD_PER_MTOK, "output_usd_per_mtok": OUTPUT_USD_PER_MTOK}
    models = [{"name": name, **price} for name in ("weak", "strong")]
    pool.write_text(json.dumps({"models": models}))

    def command(port: int, backend: str, own: Path) -> list[str]:
        return [
            sys.executable, "-m", "rl_router.cli", "serve", str(folder / "knn"), f"pool={pool}", f"port={port}",
            f"endpoint={backend}", f"log={own / 'log.jsonl'}", *changes,
        ]  # fmt: skip

    return Contender(name="rl-router", model="auto", command=command, environment={"OMP_NUM_THREADS": "1"})


def litellm(python: Path) -> Contender:
    """`python` is the interpreter of an environment that has litellm[proxy]."""

    def command(port: int, backend: str, own: Path) -> list[str]:
        parameters = {"model": "openai/fixed", "api_base": backend, "api_key": "sk-none"}
        config = own / "config.yaml"
        config.write_text(json.dumps({"model_list": [{"model_name": "fixed", "litellm_params": parameters}]}))
        program = python.parent / "litellm"
        return [str(program), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]

    return Contender(name="litellm", model="fixed", command=command, environment=LITELLM)


def routellm(folder: Path) -> Contender:
    """`folder` is one that `pip install --target` put routellm into; it runs on the packages of this interpreter."""

    def command(port: int, backend: str, own: Path) -> list[str]:
        return [
            sys.executable, "-m", "routellm.openai_server", "--routers", "random", "--port", str(port),
            "--base-url", backend, "--api-key", "sk-none", "--strong-model", "openai/strong",
            "--weak-model", "openai/weak",
        ]  # fmt: skip

    environment = {**LITELLM, "PYTHONPATH": str(folder), "OPENAI_API_KEY": "sk-none", "HF_HUB_OFFLINE": "1"}
    return Contender(name="routellm", model="router-random-0.5", command=command, environment=environment)


def _fit(run: Path, graded: int) -> None:
    """A router over made-up graded queries: what it decides does not matter here, how long it takes does."""
    if (run / "router").is_dir():
        return
    chance = random.Random(0)
    texts = [
        f"Question {n}: how many {chance.choice(TOPICS)} are there between {n} and {chance.randint(n, 9 * n + 100)}?"
        for n in range(graded)
    ]
    rows = [
        {"dataset": "made_up", "split": "train", "query_id": str(n), "query": text, "task": "count",
         "ground_truth": None, "model": model, "score": float(chance.random() < skill),
         "cost_usd": cost_usd, "prompt_tokens": 20, "completion_tokens": 30, "response": None}
        for n, text in enumerate(texts)
        for model, skill, cost_usd in (("weak", 0.5, 8e-5), ("strong", 0.8, 9e-5))
    ]  # fmt: skip
    Knn().fit(RoutingTable(pl.DataFrame(rows))).save(run / "router")
