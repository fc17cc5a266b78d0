"""Candidate models as vectors: what is known of a model in words (and measured, where there is a table), encoded.

The words are the model's description, capabilities, context, prices and, with a table, its score on each task of the
splits for fitting: held-out queries never reach an embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rl_router.data.checks.splits import fit_splits
from rl_router.data.table import RoutingTable
from rl_router.encoders import make_encoder
from rl_router.encoders.named_vectors import NamedVectors
from rl_router.errors import DataError
from rl_router.observe.files import write_json
from rl_router.pipeline.llmrouter_files import candidate_of, write_candidates
from rl_router.pool.spec import ModelSpec, load_specs, pool_path


@dataclass(frozen=True, kw_only=True)
class Skill:
    """How often a model was right: its mean score on the graded queries of a task."""

    score: float
    queries: int


@dataclass(frozen=True, kw_only=True)
class ModelsJob:
    """`pool` is a name in recipes/pool or a path, `table` a routing table to measure skills on, `out` a folder."""

    __pydantic_config__ = {"extra": "forbid"}
    pool: str
    encoder: str = "hashing"
    table: Path | None = None
    out: Path = field(default=Path("models"))


def embed_models(job: ModelsJob) -> list[Path]:
    """Write models.json, model_embeddings.safetensors and LLMRouter's two candidate files; returns them."""
    specs = load_specs(pool_path(job.pool))
    skills = {} if job.table is None else measured_skills(RoutingTable.read(job.table))
    if job.table is not None and not set(skills) & {spec.name for spec in specs}:
        raise DataError(f"{job.table} grades none of the models of the pool {job.pool}; name a table of its models.")
    texts = {spec.name: describe(spec, skills.get(spec.name, {})) for spec in specs}
    encoder = make_encoder(job.encoder)
    vectors = encoder.encode(list(texts.values()))  # [m, dim]
    named = NamedVectors(
        names=tuple(texts), vectors=vectors, about={"encoder": encoder.name, "revision": encoder.revision}
    )
    paths = [job.out / "models.json", job.out / "model_embeddings.safetensors"]
    job.out.mkdir(parents=True, exist_ok=True)
    write_json(paths[0], [_entry(spec, texts[spec.name], skills.get(spec.name, {})) for spec in specs])
    named.write(paths[1])
    candidates = [candidate_of(spec, feature=texts[spec.name]) for spec in specs]
    by_name: dict[str, np.ndarray] = dict(zip(texts, vectors, strict=True))
    return [
        *paths,
        write_candidates(candidates, job.out / "default_llm.json"),
        write_candidates(candidates, job.out / "default_llm_embeddings.json", by_name),
    ]


def measured_skills(table: RoutingTable) -> dict[str, dict[str, Skill]]:
    """By model and task, on the splits for fitting."""
    splits = fit_splits(table.frame["split"].unique())
    if not splits:
        raise DataError(f"The {table.where} has no split to learn from (train, val); skills are not measured on test.")
    skills: dict[str, dict[str, Skill]] = {model: {} for model in table.models}
    ids = [query.query_id for split in splits for query in table.queries(split)]
    tasks = np.array([query.task for split in splits for query in table.queries(split)])
    scores = table.matrix("score", ids)  # [n, m]
    for task in dict.fromkeys(tasks.tolist()):
        part = scores[tasks == task]
        for j, model in enumerate(table.models):
            graded = part[~np.isnan(part[:, j]), j]
            if len(graded):
                skills[model][task] = Skill(score=float(graded.mean()), queries=len(graded))
    return skills


def describe(spec: ModelSpec, skills: Mapping[str, Skill]) -> str:
    """What an encoder reads of a model: sentences, so that a language model can compare them with a question."""
    parts = [f"{spec.name}: {spec.description.rstrip('.') or 'a language model'}."]
    if spec.capabilities:
        parts.append(f"Good at {', '.join(spec.capabilities)}.")
    if spec.context_tokens:
        parts.append(f"Reads up to {spec.context_tokens:,} tokens.")
    prices = f"${spec.input_usd_per_mtok:g} per million input tokens and ${spec.output_usd_per_mtok:g} per million"
    parts.append(f"Costs {prices} output tokens.")
    for task, skill in sorted(skills.items(), key=lambda item: (-item[1].score, item[0])):
        parts.append(f"Scores {100 * skill.score:.0f} % on {task}.")
    return " ".join(parts)


def _entry(spec: ModelSpec, text: str, skills: Mapping[str, Skill]) -> dict[str, object]:
    return {
        "name": spec.name,
        "text": text,
        "input_usd_per_mtok": spec.input_usd_per_mtok,
        "output_usd_per_mtok": spec.output_usd_per_mtok,
        "tier": spec.tier,
        "capabilities": list(spec.capabilities),
        "context_tokens": spec.context_tokens,
        "skills": {task: {"score": skill.score, "queries": skill.queries} for task, skill in skills.items()},
    }
