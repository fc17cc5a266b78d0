"""Every router by name. What is said of them here needs no import, so that listing loads neither torch nor sklearn."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from rl_router.errors import RecipeError
from rl_router.routers.plugins import Plugin, plugin_class, plugins

if TYPE_CHECKING:
    from rl_router.routers.router import Router

Family = Literal[
    "fixed", "lookup", "neighbours", "linear", "rating", "clusters", "neural", "cascade", "mixture", "bandit",
    "personal", "plugin",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`path` is "module:Class". `needs` says what a router wants beyond scores: "torch", "costs", "responses" …"""

    name: str
    path: str
    family: Family
    description: str
    needs: tuple[str, ...] = ()
    learners: tuple[str, ...] = ("supervised", "preference", "bandit")
    rules: tuple[str, ...] = ("argmax", "top_k", "threshold", "cascade", "epsilon_greedy", "thompson")

    @property
    def trainable(self) -> bool:
        return self.learners != ("direct",)


_HERE = "rl_router.routers"

BUILT_IN: tuple[Entry, ...] = (
    Entry(
        name="knn",
        path=f"{_HERE}.knn:Knn",
        family="neighbours",
        description="the mean score of each model on the k most similar queries",
    ),
    Entry(
        name="svm",
        path=f"{_HERE}.svm:Svm",
        family="linear",
        description="a support vector machine per model, linear or RBF, with Platt's sigmoid",
    ),
    Entry(
        name="ridge",
        path=f"{_HERE}.ridge:Ridge",
        family="linear",
        description="the means of the task that a text looks like, and ridge regression on what they leave",
    ),
    Entry(
        name="hierarchical",
        path=f"{_HERE}.hierarchical:Hierarchical",
        family="linear",
        description="the means of the task that a query names, and ridge regression as far as that task bears it out",
    ),
    Entry(
        name="threshold",
        path=f"{_HERE}.threshold:Threshold",
        family="linear",
        description="a difficulty per query, and each model's chance as a curve over it",
    ),
    Entry(
        name="elo",
        path=f"{_HERE}.elo:Elo",
        family="rating",
        description="ratings from pairwise comparisons, global or weighted by similarity to the query",
    ),
    Entry(
        name="cluster",
        path=f"{_HERE}.cluster:Cluster",
        family="clusters",
        description="mean scores in clusters of queries, as in Avengers-Pro",
    ),
    Entry(
        name="best_per_task",
        path=f"{_HERE}.best_per_task:BestPerTask",
        family="lookup",
        description="mean scores by the task that a query names",
        needs=("tasks",),
    ),
    Entry(
        name="ensemble",
        path=f"{_HERE}.ensemble:Ensemble",
        family="mixture",
        description="several routers as one, equally or stacked",
    ),
    Entry(
        name="smallest",
        path=f"{_HERE}.fixed:Smallest",
        family="fixed",
        description="always the cheapest model",
        needs=("costs",),
        learners=("direct",),
        rules=("argmax", "top_k"),
    ),
    Entry(
        name="largest",
        path=f"{_HERE}.fixed:Largest",
        family="fixed",
        description="always the dearest model",
        needs=("costs",),
        learners=("direct",),
        rules=("argmax", "top_k"),
    ),
    Entry(
        name="random",
        path=f"{_HERE}.fixed:Random",
        family="fixed",
        description="any model, each as likely",
        learners=("direct",),
        rules=("argmax", "top_k"),
    ),
    Entry(
        name="oracle",
        path=f"{_HERE}.oracle:Oracle",
        family="lookup",
        description="knows every recorded answer: the ceiling, for evaluation only",
        needs=("answers",),
        learners=("direct",),
        rules=("argmax", "top_k"),
    ),
    Entry(
        name="gmtrouter",
        path=f"{_HERE}.gmtrouter:GmtRouter",
        family="personal",
        description="a graph of users, queries, answers and models that knows a user by a few ratings (GMTRouter)",
        needs=("torch", "users"),
        learners=("supervised", "preference"),  # one answer per query prefers none
    ),
    Entry(
        name="personalizedrouter",
        path=f"{_HERE}.personalizedrouter:PersonalizedRouter",
        family="personal",
        description="a graph of users, tasks, queries and models, in which a user's liking is an edge to predict",
        needs=("torch", "users"),
    ),
    Entry(
        name="user_knn",
        path=f"{_HERE}.user_knn:UserKnn",
        family="personal",
        description="another router, and by how much a user rates a model otherwise on like queries",
        needs=("users",),
    ),
    Entry(
        name="user_elo",
        path=f"{_HERE}.user_elo:UserElo",
        family="personal",
        description="ratings from pairwise comparisons for each user, drawn towards everybody's",
        needs=("users",),
        learners=("supervised", "preference"),  # one answer per query compares no two models
    ),
    Entry(
        name="online",
        path=f"{_HERE}.online:Online",
        family="bandit",
        description="another router, and a bandit that learns from feedback while it serves (LinUCB, Thompson)",
        rules=("argmax",),  # its algorithm chooses
    ),
    Entry(
        name="mlp",
        path=f"{_HERE}.mlp:Mlp",
        family="neural",
        description="a perceptron from the query's vector to the score of every model",
        needs=("torch",),
    ),
    Entry(
        name="mf",
        path=f"{_HERE}.mf:Mf",
        family="neural",
        description="matrix factorisation over every pair of models of a query (RouteLLM)",
        needs=("torch",),
        learners=("supervised", "preference"),  # one answer per query compares no two models
    ),
    Entry(
        name="routerdc",
        path=f"{_HERE}.routerdc:RouterDc",
        family="neural",
        description="queries near the models that answer them well, by two contrasts (RouterDC)",
        needs=("torch",),
        learners=("supervised", "preference"),  # one answer per query compares no two models
    ),
    Entry(
        name="hybrid_llm",
        path=f"{_HERE}.hybrid_llm:HybridLlm",
        family="neural",
        description="is a small model good enough, or must it be the large one (Hybrid LLM)",
        needs=("torch",),
        learners=("supervised", "preference"),  # one answer per query compares no two models
    ),
    Entry(
        name="graphrouter",
        path=f"{_HERE}.graphrouter:GraphRouter",
        family="neural",
        description="a graph of tasks, queries and models, which new models join untrained (GraphRouter)",
        needs=("torch",),
    ),
    Entry(
        name="bert",
        path=f"{_HERE}.fine_tuned:Bert",
        family="neural",
        description="an encoder tuned as a classifier with an output per model",
        needs=("torch", "transformers"),
    ),
    Entry(
        name="automix",
        path=f"{_HERE}.automix:AutoMix",
        family="cascade",
        description="the small model answers, a meta-verifier decides whether to ask the large one too (AutoMix)",
        needs=("responses",),
        learners=("supervised",),  # it weighs the scores of two models on the same query
        rules=("argmax",),  # it is a cascade by itself
    ),
    Entry(
        name="causal_lm",
        path=f"{_HERE}.fine_tuned:CausalLm",
        family="neural",
        description="a decoder tuned as a classifier with an output per model",
        needs=("torch", "transformers"),
    ),
)


def entries() -> dict[str, Entry]:
    """By name, in the order of a listing."""
    found = {entry.name: entry for entry in BUILT_IN}
    for name, plugin in plugins().items():
        found.setdefault(name, _plugin_entry(plugin))  # a plugin cannot take the place of a router that ships
    return found


def _plugin_entry(plugin: Plugin) -> Entry:
    said = str(plugin.config.get("description", "a plugin"))
    lists = {key: tuple(map(str, plugin.config[key])) for key in ("needs", "learners", "rules") if key in plugin.config}
    text = f"{said} ({plugin.source})" if not plugin.error else f"BROKEN: {plugin.error} ({plugin.source})"
    return Entry(name=plugin.name, path="", family="plugin", description=text, **lists)


def entry(name: str) -> Entry:
    known = entries()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise RecipeError(f"unknown router {name!r}{hint}; there are {', '.join(known)}")
    return known[name]


def router_class(name: str) -> type[Router]:
    """The class of a router, imported now. RecipeError for a name that nobody registered."""
    found_entry = entry(name)
    if found_entry.family == "plugin":
        return plugin_class(plugins()[name])
    module, _, attribute = found_entry.path.partition(":")
    found: type[Router] = getattr(import_module(module), attribute)
    return found
