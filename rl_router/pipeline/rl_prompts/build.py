"""From a job to prompts.parquet and generation.yaml, which says exactly what was drawn from what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import TypeAdapter

from rl_router import __version__
from rl_router.data.parquet import write_parquet
from rl_router.episode.tools import check_tool_names
from rl_router.observe.console import StepProgress
from rl_router.observe.files import write_text
from rl_router.pipeline.rl_prompts.chance import shuffled
from rl_router.pipeline.rl_prompts.dialects import row_of
from rl_router.pipeline.rl_prompts.job import Pools, PromptsJob
from rl_router.pipeline.rl_prompts.pools import Sample, assign, check_models
from rl_router.pipeline.rl_prompts.questions import Count, Question, read_questions
from rl_router.pool.spec import ModelSpec, load_specs, pool_path

PROMPTS, GENERATION = "prompts.parquet", "generation.yaml"
CHUNK = 2000
"""Samples that a worker makes at a time."""


def build_prompts(job: PromptsJob) -> dict[str, Any]:
    """Write both files and return what generation.yaml says."""
    specs, pools = load_specs(pool_path(job.pool)), job.pools or Pools()
    check_models(pools, specs)
    check_tool_names(specs)
    questions, counts = read_questions(job)
    samples = assign([q.identity for q in questions], specs, pools, job.max_prompts, job.seed)
    order = [(f"{questions[s.question].identity} {s.repetition}", s) for s in samples]
    rows = list(_rows(shuffled(order, job.seed, "row"), questions, specs, job))
    for index, row in enumerate(rows):
        row["extra_info"]["index"] = index
    frame = pl.DataFrame(rows, schema_overrides=SCHEMA, infer_schema_length=None)
    write_parquet(frame, job.out / PROMPTS, "prompt set")
    generation = describe(job, specs, counts, samples, job.out / PROMPTS)
    write_text(job.out / GENERATION, yaml.safe_dump(generation, sort_keys=False, allow_unicode=True, width=120))
    return generation


SCHEMA = {
    "extra_info": pl.Struct(
        {
            "index": pl.Int64,
            "split": pl.String,
            "query_id": pl.String,
            "question": pl.String,
            "cost_weight": pl.Float64,
            "task": pl.String,
            "grader": pl.String,
            "choices": pl.String,
            "meta": pl.String,
            "source": pl.String,
            "pass_rate": pl.Float64,
            "portion": pl.String,
            "repetition": pl.Int64,
            "models": pl.List(pl.String),
            "tool_selection": pl.List(pl.String),
        }
    )
}


def describe(
    job: PromptsJob, specs: Sequence[ModelSpec], counts: dict[str, Count], samples: Sequence[Sample], prompts: Path
) -> dict[str, Any]:
    """No times and no machine: the same job on the same files writes the same text."""
    tiers = sorted({spec.tier for spec in specs})
    models = Counter(model for sample in samples for model in sample.models)
    return {
        "rl_router": __version__,
        "job": TypeAdapter(PromptsJob).dump_python(job, mode="json", exclude={"workers"}),
        "inputs": {str(path): _digest(path) for path in _inputs(job)},
        "pool": {tier or "(no tier)": [s.name for s in specs if s.tier == tier] for tier in tiers},
        "questions_are_told_apart_by": ["dataset", "query_id"],
        "questions": {name: asdict(count) for name, count in counts.items()},
        "prompts": {
            "total": len(samples),
            "questions": len({sample.question for sample in samples}),
            "portions": dict(Counter(sample.portion for sample in samples)),
            "pool_sizes": dict(sorted(Counter(len(sample.models) for sample in samples).items())),
            "prompts_that_may_ask": {spec.name: models[spec.name] for spec in specs},
        },
        "output": {prompts.name: _digest(prompts)},
    }


def _rows(
    samples: list[Sample], questions: Sequence[Question], specs: Sequence[ModelSpec], job: PromptsJob
) -> Iterator[dict[str, Any]]:
    by_name = {spec.name: spec for spec in specs}
    chunks = [
        ([(sample, questions[sample.question]) for sample in samples[start : start + CHUNK]], by_name, job)
        for start in range(0, len(samples), CHUNK)
    ]
    with StepProgress("prompts", len(chunks)) as bar:
        if job.workers == 1 or len(chunks) == 1:
            parts: Iterator[list[dict[str, Any]]] = map(_chunk_rows, chunks)
            for step, part in enumerate(parts, start=1):
                bar.update(step, {})
                yield from part
            return
        # Not forked: polars holds threads, which a fork would leave behind locked.
        with ProcessPoolExecutor(min(job.workers, len(chunks)), mp_context=get_context("spawn")) as executor:
            for step, part in enumerate(executor.map(_chunk_rows, chunks), start=1):
                bar.update(step, {})
                yield from part


def _chunk_rows(chunk: tuple[list[tuple[Sample, Question]], dict[str, ModelSpec], PromptsJob]) -> list[dict[str, Any]]:
    pairs, specs, job = chunk
    return [row_of(sample, question, specs, job) for sample, question in pairs]


def _inputs(job: PromptsJob) -> list[Path]:
    files = [source.table or source.queries for source in job.sources.values()]
    return [*dict.fromkeys(file for file in files if file is not None), pool_path(job.pool)]


def _digest(path: Path) -> str:
    return f"sha256:{sha256(path.read_bytes()).hexdigest()}"
