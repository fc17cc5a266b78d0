"""From a task to a policy that speaks the dialect: tokenizer, weights and supervised warm start."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from rl_router.episode import instructions, tags
from rl_router.episode.described import LETTERS
from rl_router.episode.dialect import Opening
from rl_router.episode.dialects import Compact, Described, DialectSetting
from rl_router.episode.environment import Limits, opening_of
from rl_router.episode.profiles import words
from rl_router.episode.task import Task
from rl_router.episode.tools import schemas
from rl_router.errors import CheckpointError
from rl_router.policy.config import PretrainedPolicy, TinyPolicy, UntrainedPolicy, WarmStart
from rl_router.policy.demonstrations import Demonstration, Demonstrator, price_word
from rl_router.policy.folder import Policy, PolicyCard, load_policy, save_policy
from rl_router.policy.teacher import Teacher
from rl_router.policy.tiny import build_tiny, set_in_order
from rl_router.policy.tokenizer import EOS, PAD, load_tokenizer, train_tokenizer
from rl_router.policy.untrained import build_untrained
from rl_router.policy.warm_start import tokenise, warm_start
from rl_router.types import Query

COMPACT = Compact()
READ_QUESTIONS = 1000
"""Questions that an untrained tokenizer reads."""


def make_policy(
    config: TinyPolicy | PretrainedPolicy | UntrainedPolicy,
    warm: WarmStart,
    *,
    task: Task,
    cost_weights: tuple[float, ...],
    tell_cost_weight: bool,
    limits: Limits,
    seed: int,
    folder: Path,
    dialect: DialectSetting = COMPACT,
    budgets: bool = False,
    draw_models: Callable[[random.Random], Sequence[str] | None] = lambda rng: None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> Policy:
    """Build or load the policy, warm-start it on demonstrations, and write it to `folder`.

    With `budgets` the cost weights are budgets in USD, and the prompt says so. `draw_models` draws the models of one
    demonstration, None for the task's whole pool.
    """

    def opening(query: Query, shown: float | None) -> Opening:
        return opening_of(task.pool, task.mode, limits, query, shown, budgets=budgets)

    described = isinstance(dialect, Described)
    torch.set_num_threads(1)  # small matrices: a second thread costs more than it brings
    script = Demonstrator(
        task=task,
        cost_weights=cost_weights,
        config=warm,
        tell_cost_weight=tell_cost_weight,
        budgets=budgets,
        lettered=described,
    )
    writer: Demonstrator | Teacher = script
    if warm.source == "multi_round":
        writer = Teacher(script=script, decomposer=warm.decomposer or "")
    demos = (
        _demonstrations(writer, warm.demonstrations, seed, draw_models)
        if warm.steps or isinstance(config, TinyPolicy)
        else []
    )
    vocabulary = (*tags.TAGS, *(tags.cost_weight_tag(w, budget=budgets) for w in cost_weights))
    card = PolicyCard(cost_weights=cost_weights if tell_cost_weight else (), mode=task.mode.value, task=task.name)
    model: Any
    match config:
        case TinyPolicy():
            texts = [_text(d) for d in demos]
            scales = _scales(task, demos) if described else []
            names = [word for scale in scales for word in scale] + (list(LETTERS) if described else [])
            names += task.pool.names if config.whole_names else ()
            tokenizer: Any = train_tokenizer(texts, tags=vocabulary, vocab_size=config.vocab_size, names=names)
            model = build_tiny(config, tokenizer, seed=seed)
            for tokens in _dial_tokens(tokenizer, cost_weights, budgets) if config.dial_in_order else ():
                set_in_order(model, tokens)
            for scale in scales:
                set_in_order(model, [tokenizer.encode(word)[0] for word in scale])
        case UntrainedPolicy():
            model, tokenizer = build_untrained(config, _readings(task, demos), seed=seed)
        case PretrainedPolicy():
            model, tokenizer = _load_pretrained(config, vocabulary if isinstance(dialect, Compact) else ())
    tokenizer = _read_back(tokenizer, model)
    codec = dialect.over(tokenizer)
    first = opening(task.train[0], cost_weights[0])
    if described:
        first = replace(first, models=demos[0].models)
    codec.opening(first, limits.max_prompt_tokens)  # refuses one without room
    if warm.steps:
        data = [
            tokenise(
                demo,
                codec,
                replace(opening(demo.query, demo.cost_weight), models=demo.models),
                max_prompt_tokens=limits.max_prompt_tokens,
                max_reply_tokens=limits.max_reply_tokens,
            )
            for demo in demos
        ]
        warm_start(model, data, warm, pad_id=tokenizer.pad_token_id, seed=seed, on_step=on_step)
    save_policy(Policy(model=model, tokenizer=tokenizer, card=card), folder)
    return load_policy(folder)


def _readings(task: Task, demos: Sequence[Demonstration]) -> list[str]:
    """What an untrained tokenizer learns its words from: the rules, the pool and the questions of the run."""
    rules = [instructions.ROUTER_R1, instructions.TOOLS, instructions.TOOLS_SIMPLE]
    pool = [json.dumps(schema) for schema in schemas(task.pool.specs, simple=False)]
    questions = [query.text for query in task.train[:READ_QUESTIONS]]
    return [*rules, *pool, *questions, *map(_text, demos)]


def _scales(task: Task, demos: Sequence[Demonstration]) -> list[list[str]]:
    """The words of every scale of every letter that some prompt has, each scale from its lowest level on."""
    letters = LETTERS[: max(len(demo.models) for demo in demos)]
    kinds = {query.task for query in task.train}
    return [[f"{letter}.{word}" for word in scale] for letter in letters for scale in words(kinds)]


def _dial_tokens(tokenizer: Any, settings: Sequence[float], budgets: bool) -> list[list[int]]:
    """Of the settings as the prompt states them, and of the words that say them again, from the mildest on."""
    ordered = sorted(settings, reverse=budgets)
    tagged = [tokenizer.encode(tags.cost_weight_tag(w, budget=budgets)) for w in ordered]
    spoken = [tokenizer.encode(f" {price_word(w, ordered, budgets=budgets)}") for w in ordered]
    return [[ids[0] for ids in texts] for texts in (tagged, spoken) if all(len(ids) == 1 for ids in texts)]


def _read_back(tokenizer: Any, model: Any) -> Any:
    """The tokenizer as every later reader will see it: transformers may rebuild it to suit the model's type."""
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        model.config.save_pretrained(folder)
        return load_tokenizer(Path(folder))


def _demonstrations(
    writer: Demonstrator | Teacher, n: int, seed: int, draw_models: Callable[[random.Random], Sequence[str] | None]
) -> Sequence[Demonstration]:
    rng = random.Random(seed)
    demos = []
    for _ in range(n):
        query, weight = rng.choice(writer.task.train), rng.choice(writer.cost_weights)
        models = draw_models(rng)
        demos.append((writer.among(models) if models else writer).write(query, weight, rng))
    return demos


def _text(demo: Demonstration) -> str:
    turns = "".join(turn + (tags.render_reply(reply) if reply is not None else "") for turn, reply in demo.turns)
    return tags.render_prompt(demo.query.text, demo.cost_weight) + turns


def _load_pretrained(config: PretrainedPolicy, vocabulary: Sequence[str]) -> tuple[Any, Any]:
    try:
        tokenizer, model = _read_pretrained(config)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise CheckpointError(
            f"the pretrained policy {config.path} cannot be loaded ({reason}): name a folder or a model of the hub"
        ) from error
    missing = [tag for tag in vocabulary if tag not in tokenizer.get_vocab()]
    if missing:
        tokenizer.add_special_tokens({"additional_special_tokens": missing})
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or PAD
    if tokenizer.eos_token is None:
        tokenizer.eos_token = EOS
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    return model, tokenizer


def _read_pretrained(config: PretrainedPolicy) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(config.path)
    model = AutoModelForCausalLM.from_pretrained(
        config.path, dtype=getattr(torch, config.dtype), use_safetensors=True, trust_remote_code=False
    )
    return tokenizer, model
