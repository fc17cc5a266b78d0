"""Routing data of other projects as a RoutingTable. Each format is a module; none runs code that a file brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_router.data.importers import llmrouter, routellm, routerbench, sessions, verl, votes
from rl_router.data.table import RoutingTable
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Importer:
    """`read` takes files and folders, as many as the format has, and gives a checked table or a DataError; `queries`,
    where a format holds questions without answers too, gives those."""

    read: Callable[[Sequence[Path]], RoutingTable]
    description: str
    queries: Callable[[Sequence[Path]], list[Query]] | None = None


IMPORTERS: dict[str, Importer] = {
    "llmrouter": Importer(
        read=llmrouter.read_table,
        description="LLMRouter: default_routing_*_data.jsonl, priced by default_llm.json beside them",
    ),
    "routellm": Importer(
        read=routellm.read_table,
        description="RouteLLM's evaluation files: CSVs of a strong and a weak model, MT-Bench judgements",
    ),
    "routerbench": Importer(
        read=routerbench.read_table,
        description="RouterBench: its wide table as csv or parquet (its pickles are not read)",
    ),
    "sessions": Importer(
        read=sessions.read_table,
        description="sessions of users with ratings or preferences, one JSON object a line (docs/online.md)",
    ),
    "votes": Importer(
        read=votes.read_table,
        description="votes between two models as in Chatbot Arena and MT-Bench's human judgements",
    ),
    "verl": Importer(
        read=verl.read_table,
        queries=verl.read_prompt_queries,
        description="verl and xRouter prompt parquet that records pass rates of models",
    ),
}

__all__ = ["IMPORTERS", "Importer"]
