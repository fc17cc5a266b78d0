"""LLMRouter's routing files (https://github.com/ulab-uiuc/LLMRouter) as a table.

`default_routing_{train,test}_data.jsonl` has one line per query and model; `default_llm.json` has prices in USD per
million tokens. Four things are mended on the way: a call that failed is not graded instead of 0; the API key that a
line may carry stays behind; choices written as Python are read as data; a query that is in train and in test keeps one
id in each, so that `data check` can see the leak.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.importers.sources import (
    answers_text,
    files_in,
    json_lines,
    json_object,
    literal,
    number,
    split_of,
    table_of,
)
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.observe.console import say

DATASET = "llmrouter"
FAILED = ("ERROR", "API Error")
"""How the response of a call that failed begins."""
OWN_NAMES = ("default_routing_", "default_llm", "query_data_")
TOKENS_PER_PRICE = 1_000_000
NEEDED = ("task_name", "query", "model_name", "performance")
EXTRA: dict[str, type[pl.DataType]] = {
    "metric": pl.String,
    "choices": pl.String,
    "latency_s": pl.Float64,
    "embedding_id": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One model of default_llm.json. Prices are USD per million tokens; `feature` is its description."""

    name: str
    feature: str
    input_price: float
    output_price: float
    model: str = ""
    size: str = ""
    service: str = ""
    api_endpoint: str = ""


def read_table(paths: Sequence[Path]) -> RoutingTable:
    """Every routing file below `paths`, with costs where a default_llm.json names the model.

    Files of a folder that are about something else are passed over, and named on standard error.
    """
    files = files_in(paths, (".jsonl", ".json"), "routing files of LLMRouter")
    known = [file for file in files if file in paths or _is_known(file)]
    if len(known) < len(files):
        say(f"passed over, as no routing lines or prices: {', '.join(str(f) for f in files if f not in known)}")
    prices = {c.name: c for file in known if file.suffix == ".json" for c in read_candidates(file)}
    rows: list[dict[str, Any]] = []
    for file in known:
        if file.suffix == ".jsonl":
            rows += _rows(file, prices)
    if not rows:
        raise DataError(
            f"{', '.join(map(str, paths))} holds no routing file of LLMRouter: lines with {', '.join(NEEDED)}."
        )
    return table_of(rows, f"LLMRouter data {paths[0]}", EXTRA)


def read_candidates(path: Path) -> list[Candidate]:
    """The models of a default_llm.json or *_embeddings.json; none when the file is about something else."""
    entries = json_object(path)
    if not _has_prices(entries):
        return []
    try:
        return [
            Candidate(
                name=name,
                feature=str(entry.get("feature", "")),
                input_price=float(entry["input_price"]),
                output_price=float(entry["output_price"]),
                **{key: str(entry.get(key) or "") for key in ("model", "size", "service", "api_endpoint")},
            )
            for name, entry in entries.items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DataError(f"{path} has a model without input_price and output_price; state both as numbers.") from None


def read_embeddings(path: Path) -> dict[str, list[float]]:
    """The vectors of a *_embeddings.json by model."""
    entries = json_object(path)
    try:
        return {name: [float(x) for x in entry["embedding"]] for name, entry in entries.items()}
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path} has a model without an 'embedding' of numbers.") from None


def _is_known(path: Path) -> bool:
    """Whether a file of a folder is LLMRouter's: by its name, a model in its first line or a price in an entry."""
    if path.name.startswith(OWN_NAMES):
        return True
    try:
        if path.suffix == ".json":
            return _has_prices(json_object(path))
        return "model_name" in next((line for _, line in json_lines(path)), {})
    except DataError:
        return False


def _has_prices(entries: Mapping[str, Any]) -> bool:
    return any(isinstance(entry, dict) and "input_price" in entry for entry in entries.values())


def _rows(path: Path, prices: Mapping[str, Candidate]) -> list[dict[str, Any]]:
    split = split_of(path)
    ids: dict[Any, str] = {}
    times: dict[Any, int] = {}
    rows = []
    for place, line in json_lines(path):
        if "model_name" not in line:
            return []  # a file of queries
        missing = [key for key in NEEDED if key not in line]
        if missing:
            raise DataError(f"Line {place} of {path} lacks {', '.join(missing)}; a routing line needs them.")
        truth = answers_text(line.get("ground_truth", line.get("gt")))
        odd = [key for key in NEEDED[:3] if not isinstance(line[key], str)]
        if odd:
            raise DataError(f"Line {place} of {path} has a {odd[0]} that is no text; mend or remove that line.")
        query = (line["task_name"], line["query"], truth, str(line.get("metric")))
        # The same question answered again by the same model is another query, not a second row of one.
        time = times[query, line["model_name"]] = times.get((query, line["model_name"]), -1) + 1
        query_id = ids.setdefault((query, time), f"{split}/{len(ids)}")
        rows.append(_row(line, split, query_id, truth, prices.get(line["model_name"])))
    return rows


def _row(
    line: Mapping[str, Any], split: str, query_id: str, truth: str | None, price: Candidate | None
) -> dict[str, Any]:
    response = line.get("response")
    failed = isinstance(response, str) and response.startswith(FAILED)
    prompt, completion = (_count(line.get(key)) for key in ("input_tokens", "output_tokens"))
    cost_usd = None
    if price and prompt is not None and completion is not None and not failed:
        cost_usd = (prompt * price.input_price + completion * price.output_price) / TOKENS_PER_PRICE
    choices = literal(line.get("choices"))
    return {
        "dataset": DATASET,
        "split": split,
        "query_id": query_id,
        "query": line["query"],
        "task": line["task_name"],
        "ground_truth": truth,
        "model": line["model_name"],
        "score": None if failed else number(line["performance"]),
        "cost_usd": cost_usd,
        "prompt_tokens": None if failed else prompt,
        "completion_tokens": None if failed else completion,
        "response": None if failed or response is None else str(response),
        "metric": str(line["metric"]) if line.get("metric") else None,
        "choices": json.dumps(choices, ensure_ascii=False) if choices else None,
        "latency_s": number(line.get("response_time")),
        "embedding_id": _count(line.get("embedding_id")),
    }


def _count(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)
