"""A routing table as LLMRouter's own files, in the folders of its example data, and its tensors of query embeddings.

query_data/query_data_SPLIT.jsonl                    the questions
llm_candidates/default_llm.json                      models and prices
llm_candidates/default_llm_embeddings.json           the same with a vector of each description
routing_data/default_routing_SPLIT_data.jsonl        one line per query and model
routing_data/query_embeddings_ENCODER.pt             a vector per embedding_id, read back without unpickling code
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.data.importers.llmrouter import Candidate
from rl_router.data.importers.sources import files_in
from rl_router.data.table import RoutingTable
from rl_router.encoders import Encoder
from rl_router.encoders.named_vectors import NamedVectors
from rl_router.errors import DataError
from rl_router.observe.files import write_json, write_text
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query

METRICS = {"choice": "em_mc", "number": "GSM8K", "maths": "MATH", "code": "code_eval", "f1": "f1_score"}
"""LLMRouter's name of our graders; any other is its exact match, `em`."""
SIZE = re.compile(r"\d+(?:\.\d+)?B\b", re.IGNORECASE)


def write_files(
    table: RoutingTable, folder: Path, *, specs: Sequence[ModelSpec] = (), encoder: Encoder | None = None
) -> list[Path]:
    """Write every file that `specs` (prices) and `encoder` (embeddings) allow; returns them."""
    queries = table.queries()
    embedding_ids = _embedding_ids(queries)
    written = [*_write_queries(table, folder), *_write_routing(table, folder, embedding_ids)]
    candidates = [candidate_of(spec) for spec in specs]
    if candidates:
        written.append(write_candidates(candidates, folder / "llm_candidates" / "default_llm.json"))
    if candidates and encoder:
        vectors = encoder.encode([candidate.feature for candidate in candidates])
        path = folder / "llm_candidates" / "default_llm_embeddings.json"
        written.append(
            write_candidates(candidates, path, dict(zip((c.name for c in candidates), vectors, strict=True)))
        )
    if encoder:
        texts: dict[int, str] = {embedding_ids[key_of(query)]: query.text for query in queries}
        label = re.sub(r"\W+", "_", encoder.name).strip("_")
        path = folder / "routing_data" / f"query_embeddings_{label}.pt"
        write_query_embeddings(dict(zip(texts, encoder.encode(list(texts.values())), strict=True)), path)
        written.append(path)
    return written


def candidate_of(spec: ModelSpec, feature: str = "") -> Candidate:
    """`feature` is what describes the model, its own description unless told."""
    size = SIZE.search(f"{spec.name} {spec.description}")
    return Candidate(
        name=spec.name,
        feature=feature or spec.description or spec.name,
        input_price=spec.input_usd_per_mtok,
        output_price=spec.output_usd_per_mtok,
        model=spec.name,
        size=size[0].upper() if size else "",
        service=spec.tier,
        api_endpoint=spec.endpoint or "",
    )


def write_candidates(
    candidates: Iterable[Candidate], path: Path, vectors: Mapping[str, np.ndarray] | None = None
) -> Path:
    """default_llm.json, or *_embeddings.json when there are `vectors` by name."""
    entries: dict[str, dict[str, Any]] = {}
    for c in candidates:
        entry = {key: value for key, value in vars(c).items() if key != "name" and value != ""}
        embedding = {"embedding": [float(x) for x in vectors[c.name]]} if vectors else {}
        entries[c.name] = entry | embedding
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, entries)
    return path


def write_query_embeddings(vectors: Mapping[int, np.ndarray], path: Path) -> None:
    """{embedding_id: [dim] float32 tensor}, as LLMRouter's load expects it."""
    import torch

    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({i: torch.from_numpy(np.array(vector, dtype=np.float32)) for i, vector in vectors.items()}, partial)
    partial.replace(path)


def read_query_embeddings(path: Path) -> dict[int, np.ndarray]:
    """The tensors of a query_embeddings_*.pt, by id. torch reads weights only: a file that brings code is refused."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises as many kinds as a file can be broken in
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{path} holds no tensors that can be read without running code ({reason}).") from None
    if isinstance(content, torch.Tensor) and content.ndim == 2:
        content = dict(enumerate(content))
    if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise DataError(f"Expected a tensor per embedding_id in {path}, got {type(content).__name__}.")
    return {int(i): vector.float().numpy() for i, vector in content.items()}


def vectors_of(table: RoutingTable, paths: Sequence[Path]) -> NamedVectors:
    """The query embeddings among `paths`, by the query ids of the table that was imported with them."""
    files = files_in(paths, (".pt",), "query_embeddings_*.pt")
    if len(files) > 1:
        raise DataError(f"Expected one file of query embeddings, got {', '.join(map(str, files))}; name one of them.")
    vectors = read_query_embeddings(files[0])
    known = table.frame.drop_nulls("embedding_id").unique("query_id", keep="first", maintain_order=True)
    ids = {query_id: i for query_id, i in known.select("query_id", "embedding_id").iter_rows() if i in vectors}
    if not ids:
        raise DataError(f"{files[0]} has no vector for any embedding_id of the table; name the file that goes with it.")
    rows = np.stack([vectors[i] for i in ids.values()])
    return NamedVectors(names=tuple(ids), vectors=rows, about={"source": files[0].name})


def key_of(query: Query) -> tuple[str, str, tuple[str, ...]]:
    """What shares one embedding: LLMRouter gives a question one id wherever it stands."""
    return query.task, query.text, query.answers


def _embedding_ids(queries: Iterable[Query]) -> dict[tuple[str, str, tuple[str, ...]], int]:
    ids: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for query in queries:
        ids.setdefault(key_of(query), len(ids))
    return ids


def _write_queries(table: RoutingTable, folder: Path) -> Iterator[Path]:
    for split in table.frame["split"].unique(maintain_order=True):
        path = folder / "query_data" / f"query_data_{split}.jsonl"
        yield _write_lines(path, (_question(query) for query in table.queries(split)))


def _write_routing(
    table: RoutingTable, folder: Path, embedding_ids: Mapping[tuple[str, str, tuple[str, ...]], int]
) -> Iterator[Path]:
    queries = {query.query_id: query for query in table.queries()}
    for split in table.frame["split"].unique(maintain_order=True):
        rows = table.select(split=split).frame.iter_rows(named=True)
        path = folder / "routing_data" / f"default_routing_{split}_data.jsonl"
        yield _write_lines(path, (_outcome(row, queries[row["query_id"]], embedding_ids) for row in rows))


def _question(query: Query) -> dict[str, Any]:
    truth: Any = list(query.answers) if len(query.answers) > 1 else (query.answers or (None,))[0]
    return {
        "task_name": query.task,
        "query": query.text,
        "ground_truth": truth,
        "metric": METRICS.get(query.grader, "em"),
        "choices": json.dumps(dict(query.choices), ensure_ascii=False) if query.choices else None,
        "task_id": query.query_id,
    }


def _outcome(
    row: Mapping[str, Any], query: Query, embedding_ids: Mapping[tuple[str, str, tuple[str, ...]], int]
) -> dict[str, Any]:
    prompt, completion = row["prompt_tokens"], row["completion_tokens"]
    question = _question(query)
    return {
        **question,
        "metric": row.get("metric") or question["metric"],
        "model_name": row["model"],
        "response": row["response"],
        "token_num": None if prompt is None or completion is None else prompt + completion,
        "input_tokens": prompt,
        "output_tokens": completion,
        "response_time": row.get("latency_s"),
        "performance": row["score"],
        "embedding_id": embedding_ids[key_of(query)],
        "user_id": None,
        "fig_id": None,
    }


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path
