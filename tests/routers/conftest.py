"""A small table whose answer is known: of four models, which is good at what can be read off the words of a query."""

import random

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.routers.networks.schedule import Schedule

WORDS = {
    "math": ["sum", "product", "divide", "integer", "equation", "algebra", "triangle", "prime"],
    "code": ["python", "function", "loop", "compile", "pointer", "array", "string", "regex"],
    "chat": ["poem", "letter", "story", "friend", "holiday", "recipe", "weather", "dinner"],
}
MODELS = {  # skill per task, USD per prompt and completion token, completion tokens
    "cheap": ({"math": 0.2, "code": 0.2, "chat": 0.9}, 1e-7, 4e-7, 60),
    "coder": ({"math": 0.3, "code": 0.95, "chat": 0.4}, 1e-6, 4e-6, 120),
    "mather": ({"math": 0.95, "code": 0.3, "chat": 0.4}, 1e-6, 4e-6, 180),
    "strong": ({"math": 0.9, "code": 0.9, "chat": 0.9}, 3e-6, 1.5e-5, 150),
}


SMALL: dict[str, dict] = {  # hyper-parameters that make a router small enough for the contract test
    "knn": {"k": 8},
    "gmtrouter": {"features": "lsa:8", "width": 8, "training": Schedule(batch_size=8, max_epochs=6)},
    "personalizedrouter": {"features": "lsa:8", "width": 8, "training": Schedule(batch_size=8, max_epochs=6)},
    "online": {"features": "lsa-chars:16"},
    "cluster": {"clusters": 6, "features": "lsa:16"},
    "mlp": {"features": "lsa:16", "width": 8, "training": Schedule(max_epochs=4)},
    "mf": {"features": "lsa:16", "rank": 8, "training": Schedule(max_epochs=4)},
    "routerdc": {"features": "lsa:16", "width": 8, "training": Schedule(max_epochs=4)},
    "hybrid_llm": {"features": "lsa:16", "width": 8, "training": Schedule(max_epochs=4)},
    "graphrouter": {"features": "lsa:16", "width": 8, "support": 30, "training": Schedule(max_epochs=4)},
    "bert": {"max_tokens": 16, "training": Schedule(batch_size=32, max_epochs=2)},
    "causal_lm": {"max_tokens": 16, "training": Schedule(batch_size=32, max_epochs=2)},
}


def make_rows(n=120, seed=0, models=tuple(MODELS), ungraded=0.05):
    rng, rows = random.Random(seed), []
    for i in range(n):
        task = list(WORDS)[i % 3]
        text = " ".join(rng.choices(WORDS[task], k=rng.randint(4, 14)))
        for model in models:
            skills, prompt_usd, completion_usd, length = MODELS[model]
            right = rng.random() < skills[task]
            prompt, completion = 8 + len(text.split()), round(length * rng.uniform(0.7, 1.3))
            rows.append(
                {
                    "dataset": "made_up",
                    "split": "train" if i < 2 * n // 3 else "test",
                    "query_id": f"q{i:03d}",
                    "query": text,
                    "task": task,
                    "ground_truth": None,
                    "model": model,
                    "score": None if rng.random() < ungraded else float(right),
                    "cost_usd": prompt * prompt_usd + completion * completion_usd,
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "response": f"{'yes' if right else 'no'}, said {model} of {text.split()[0]}",
                }
            )
    return rows


def make_table(rows=None, **options):
    schema = {"ground_truth": pl.String, "score": pl.Float64, "cost_usd": pl.Float64}
    return RoutingTable(pl.DataFrame(rows or make_rows(**options), schema_overrides=schema, infer_schema_length=None))


@pytest.fixture(scope="session")
def rows():
    return make_rows()


@pytest.fixture(scope="session")
def table(rows):
    return make_table(rows)


@pytest.fixture(scope="session")
def train(table):
    return table.select(split="train")


@pytest.fixture(scope="session")
def queries(table):
    return table.queries("test")


@pytest.fixture(scope="session")
def small():
    return SMALL


# Tables of two words whose answer is planted: which model is right follows from a colour, a shape, or both.
COLOURS, SHAPES = ("red", "blue"), ("round", "square")
FILL = ("please", "draw", "some", "thing", "for", "our", "wall", "today")
USD = {"cheap": 0.001, "dear": 0.01}


def planted_table(score, n=300, seed=0, usd=None):
    """`score(colour, shape)` gives each model's score; every third query is for testing."""
    rng, rows = random.Random(seed), []
    for i in range(n):
        colour, shape = rng.choice(COLOURS), rng.choice(SHAPES)
        words = [colour, shape, *rng.sample(FILL, 3)]
        rng.shuffle(words)
        for model, right in score(colour, shape).items():
            rows.append(
                {
                    "dataset": "planted", "split": "test" if i % 3 == 0 else "train", "query_id": f"q{i:03d}",
                    "query": " ".join(words), "task": colour, "ground_truth": None, "model": model,
                    "score": float(right), "cost_usd": (usd or USD).get(model, 0.005), "prompt_tokens": 10,
                    "completion_tokens": 20, "response": "yes" if right else "no",
                }
            )  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String}))


def mean_score(router, table, cost_weight=0.0):
    """The mean score of what is chosen on the test queries."""
    queries = table.queries("test")
    chosen = [decision.model for decision in router.route(queries, cost_weight=cost_weight)]
    scores = table.matrix("score", [query.query_id for query in queries])
    return sum(row[table.models.index(model)] for row, model in zip(scores, chosen, strict=True)) / len(queries)


def best_single(table):
    """The mean score of the best model on the test queries."""
    return table.matrix("score", [query.query_id for query in table.queries("test")]).mean(axis=0).max()


@pytest.fixture(scope="session")
def planted():
    return planted_table


@pytest.fixture(scope="session")
def routed():
    return mean_score


@pytest.fixture(scope="session")
def single():
    return best_single
