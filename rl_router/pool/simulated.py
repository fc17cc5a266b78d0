"""A simulated pool: every model has a skill per kind of question, and the same question always gets the same reply.

A reply is right when a number drawn from (seed, model, prompt) falls below the skill, else the model says that it is
not sure or gives a plausible wrong answer. No real model is behind any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rl_router.data.world import TASKS, UNSURE, World, fraction
from rl_router.errors import PoolError
from rl_router.pool.backend import Request
from rl_router.pool.spec import ModelSpec
from rl_router.types import ModelReply, Usage

INSTRUCTION_TOKENS = 14
"""A system prompt that every simulated call carries; each word of the question is one more token."""
SECONDS_PER_TOKEN = 0.01
KEYS = ("skills", "completion_tokens", "unsure_share")


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How a simulated model behaves. `skills` maps a task to its chance of success at difficulty 1, 2 and 3."""

    skills: Mapping[str, tuple[float, ...]]
    completion_tokens: float
    """The mean length of a reply; a single one varies by a fifth."""
    unsure_share: float
    """The share of its failures in which the model admits that it is not sure."""


@lru_cache(maxsize=256)
def simulation(spec: ModelSpec) -> Simulation:
    """The simulated behaviour that a pool file states, or a PoolError."""
    stated = spec.simulation
    if stated is None or "skills" not in stated or "completion_tokens" not in stated:
        raise PoolError(
            f"Model {spec.name!r} cannot be simulated: its 'simulation' needs 'skills' and 'completion_tokens'."
        )
    unknown = sorted(set(stated) - set(KEYS))
    if unknown:
        raise PoolError(f"The simulation of {spec.name!r} has the unknown key {unknown[0]!r}; use {', '.join(KEYS)}.")
    skills = stated["skills"]
    if not isinstance(skills, Mapping) or set(skills) != set(TASKS):
        raise PoolError(f"The skills of {spec.name!r} must name exactly the tasks {', '.join(TASKS)}.")
    for task, chances in skills.items():
        if not isinstance(chances, list | tuple) or not chances or not all(_is_share(c) for c in chances):
            raise PoolError(
                f"The skill of {spec.name!r} in {task} is {chances!r}; write one chance in [0, 1] per difficulty."
            )
    tokens, unsure = stated["completion_tokens"], stated.get("unsure_share", 0.0)
    if isinstance(tokens, bool) or not isinstance(tokens, int | float) or tokens <= 0:
        raise PoolError(f"The completion_tokens of {spec.name!r} are {tokens!r}; write a positive number.")
    if not _is_share(unsure):
        raise PoolError(f"The unsure_share of {spec.name!r} is {unsure!r}; write a number in [0, 1].")
    return Simulation(
        skills={task: tuple(float(c) for c in chances) for task, chances in skills.items()},
        completion_tokens=float(tokens),
        unsure_share=float(unsure),
    )


class SimulatedBackend:
    """Answers from the text of the prompt alone; a prompt that is no well-formed question gets "not sure"."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self.world = world
        self.seed = seed
        self._replies: dict[tuple[str, str, int | None], ModelReply] = {}

    async def complete(self, request: Request) -> ModelReply:
        return self.reply(request)

    def reply(self, request: Request) -> ModelReply:
        key = (request.spec.name, request.prompt, request.max_tokens)
        if key not in self._replies:
            self._replies[key] = self._compute(request)
        return self._replies[key]

    def _compute(self, request: Request) -> ModelReply:
        name, prompt = request.spec.name, request.prompt
        model = simulation(request.spec)
        tokens = round(model.completion_tokens * (0.8 + 0.4 * self._chance("tokens", name, prompt)))
        if request.max_tokens is not None:
            tokens = min(tokens, request.max_tokens)
        return ModelReply(
            model=name,
            text=self._text(model, name, prompt),
            usage=Usage(prompt_tokens=INSTRUCTION_TOKENS + len(prompt.split()), completion_tokens=tokens),
            latency_s=SECONDS_PER_TOKEN * tokens,
        )

    def _text(self, model: Simulation, name: str, prompt: str) -> str:
        solution = self.world.solve(prompt)
        if solution is None:
            return UNSURE
        chances = model.skills[solution.task]
        skill = chances[min(solution.difficulty, len(chances)) - 1]
        if self._chance("skill", name, prompt) < skill:
            return solution.answer
        if self._chance("unsure", name, prompt) < model.unsure_share:
            return UNSURE
        return self.world.wrong_answer(solution, self._chance("wrong", name, prompt))

    def _chance(self, what: str, name: str, prompt: str) -> float:
        return fraction(self.seed, what, name, prompt)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
