"""A sample as a row of verl's parquet, in either dialect.

`tags` rows run in this project's own agent loop, which renders the question and the cost weight itself; with
instructions the prompt also says the rules and the models, for a policy that can read. `tools` rows have xRouter's
form: a system prompt, then the user's question under its marks. Which tools a sample has is the list
`extra_info.tool_selection`, which verl 0.9's tool loop reads; xRouter's dictionary `tools_kwargs` cannot differ by row
in parquet, where every row of a struct has every key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.data.queries import dump_answers
from rl_router.episode.instructions import TAGS, TOOLS, TOOLS_SIMPLE
from rl_router.episode.tools import marked_question, tool_names
from rl_router.pipeline.rl_prompts.chance import chance
from rl_router.pipeline.rl_prompts.job import PromptsJob
from rl_router.pipeline.rl_prompts.pools import Sample
from rl_router.pipeline.rl_prompts.questions import Question
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query

AGENTS = {"tags": "rl_router_episode", "tools": "tool_agent"}
"""The agent loop of each dialect: this project's own, and verl's."""


def row_of(sample: Sample, question: Question, specs: Mapping[str, ModelSpec], job: PromptsJob) -> dict[str, Any]:
    """The row but for its index, which is its place in the file."""
    query = question.query
    cost_weight = chance(job.seed, "cost_weight", question.identity, sample.repetition).choice(job.cost_weights)
    models = [specs[name] for name in sample.models]
    return {
        "data_source": query.dataset or query.task,
        "agent_name": AGENTS[job.dialect],
        "prompt": messages(query, models, job),
        "ability": "routing",
        "reward_model": {"style": "rule", "ground_truth": dump_answers(query.answers) or ""},
        "extra_info": {
            "index": 0,
            "split": query.split,
            "query_id": query.query_id,
            "question": query.text,
            "cost_weight": float(cost_weight),
            "task": query.task,
            "grader": query.grader,
            "choices": json.dumps(dict(query.choices), ensure_ascii=False),
            "meta": json.dumps(dict(query.meta), ensure_ascii=False),
            "source": question.source,
            "pass_rate": question.pass_rate,
            "portion": sample.portion,
            "repetition": sample.repetition,
            "models": list(sample.models),
            "tool_selection": tool_names(sample.models, simple=job.simple) if job.dialect == "tools" else [],
        },
    }


def messages(query: Query, models: Sequence[ModelSpec], job: PromptsJob) -> list[dict[str, str]]:
    if job.dialect == "tools":
        rules = TOOLS_SIMPLE if job.simple else TOOLS
        content = marked_question(query, job.max_system_prompt_chars)
        return [{"role": "system", "content": rules}, {"role": "user", "content": content}]
    content = query.text
    if job.instructions:
        content = TAGS.format(models="\n".join(map(model_line, models)), question=query.text)
    return [{"role": "user", "content": content}]


def model_line(spec: ModelSpec) -> str:
    about = spec.description.rstrip(".") or ", ".join(spec.capabilities) or "no description"
    prices = f"${spec.input_usd_per_mtok:g} in, ${spec.output_usd_per_mtok:g} out per million tokens"
    return f"- {spec.name}: {about} ({prices})"
