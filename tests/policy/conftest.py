"""A reduced world, a tokenizer trained on its demonstrations, and a policy that has learned their grammar a little."""

import random

import pytest
import torch

from rl_router.episode import tags
from rl_router.episode.environment import Limits
from rl_router.episode.world_task import WorldTask
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.policy.demonstrations import Demonstrator
from rl_router.policy.folder import load_policy
from rl_router.policy.prepare import make_policy
from rl_router.policy.tiny import build_tiny
from rl_router.policy.tokenizer import train_tokenizer

torch.set_num_threads(1)

COST_WEIGHTS = (0.0, 0.5, 2.0)
SMALL = TinyPolicy(hidden_size=32, layers=2, heads=2, kv_heads=1, intermediate_size=64, vocab_size=600, max_tokens=256)
TAGS = (*tags.TAGS, *(tags.cost_weight_tag(w) for w in COST_WEIGHTS))


@pytest.fixture(scope="session")
def task():
    return WorldTask(n_train=600, n_val=10, n_test=60).build()


@pytest.fixture(scope="session")
def demonstrate(task):
    """`n` demonstrations of one seed: questions and cost weights in turn, or the ones that are given."""

    def demonstrate(n, *, cost_weight=None, queries=None, tell=True, seed=0, task=task, **config):
        rng = random.Random(seed)
        config = WarmStart(**config)
        writer = Demonstrator(task=task, cost_weights=COST_WEIGHTS, config=config, tell_cost_weight=tell)
        queries = queries or task.train
        weights = COST_WEIGHTS if cost_weight is None else (cost_weight,)
        return [writer.write(queries[i % len(queries)], weights[i % len(weights)], rng) for i in range(n)]

    return demonstrate


@pytest.fixture(scope="session")
def tokenizer(demonstrate):
    demos = demonstrate(300)
    texts = [d.query.text + "".join(turn + (reply or "") for turn, reply in d.turns) for d in demos]
    return train_tokenizer(texts, tags=TAGS, vocab_size=SMALL.vocab_size)


@pytest.fixture
def model(tokenizer):
    """Random weights, large enough for next-token distributions that are far from uniform."""
    model = build_tiny(SMALL, tokenizer, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    return model.eval()


@pytest.fixture(scope="session")
def policy_folder(task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy") / "warm_start"
    warm = WarmStart(steps=60, demonstrations=600)
    make_policy(
        SMALL, warm, task=task, cost_weights=COST_WEIGHTS, tell_cost_weight=True, limits=Limits(), seed=0, folder=folder
    )
    return folder


@pytest.fixture(scope="session")
def policy(policy_folder):
    return load_policy(policy_folder)
