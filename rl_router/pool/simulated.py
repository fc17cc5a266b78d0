"""A simulated pool: every model has a skill per kind of question, and the same question always gets the same reply.

A reply is right when a number drawn from (seed, model, prompt) falls below the skill, else the model says that it is
not sure or gives a plausible wrong answer. Asked to split a question, it does so with the chance `splitting`, and names
for each part the first of the models, listed by price, whose stated capabilities fit; else it repeats the question and
names any model. No real model is behind any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rl_router.data.decomposition import asked_to_split
from rl_router.data.world import TASKS, UNSURE, World, fraction
from rl_router.data.world_grammar import split
from rl_router.errors import PoolError
from rl_router.pool.backend import Request
from rl_router.pool.spec import ModelSpec
from rl_router.types import ModelReply, Usage

INSTRUCTION_TOKENS = 14
"""A system prompt that every simulated call carries; each word of the question is one more token."""
SECONDS_PER_TOKEN = 0.01
KEYS = ("skills", "completion_tokens", "unsure_share", "splitting")
CAPABLE = {
    "arithmetic": "mathematics", "units": "mathematics", "lists": "lists", "fact": "facts", "two_hop": "facts",
    "strings": "general",
}  # fmt: skip
"""What a model must say of itself to be asked such a question by another model."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How a simulated model behaves. `skills` maps a task to its chance of success at difficulty 1, 2 and 3."""

    skills: Mapping[str, tuple[float, ...]]
    completion_tokens: float
    """The mean length of a reply; a single one varies by a fifth."""
    unsure_share: float
    """The share of its failures in which the model admits that it is not sure."""
    splitting: float = 0.0
    """The chance that it splits a question rightly when asked to."""


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
    splitting = stated.get("splitting", 0.0)
    if not _is_share(splitting):
        raise PoolError(f"The splitting of {spec.name!r} is {splitting!r}; write a number in [0, 1].")
    return Simulation(
        skills={task: tuple(float(c) for c in chances) for task, chances in skills.items()},
        completion_tokens=float(tokens),
        unsure_share=float(unsure),
        splitting=float(splitting),
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
        asked = asked_to_split(prompt)
        if asked is not None:
            return self._split(model, name, *asked)
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

    def _split(self, model: Simulation, name: str, question: str, models: tuple[str, ...]) -> str:
        able = self._chance("split", name, question) < model.splitting
        parts = split(question) if able else (question,)
        lines = []
        for number, part in enumerate(parts, start=1):
            if not models:
                lines.append(f"{number}. {part}")
                continue
            any_of_them = models[int(self._chance("choose", name, question) * len(models))]
            named = (self._fitting(part, models) if able else any_of_them).split(":")[0]
            lines.append(f"{number}. [{named}] {part}")
        return "\n".join(lines)

    def _fitting(self, part: str, models: tuple[str, ...]) -> str:
        """The first of the models, cheapest first, that says it can do such a part."""
        solution = self.world.solve(part.replace("#1", self.world.people["train"][0]))
        wanted = "general" if solution is None else CAPABLE[solution.task]
        able = (line for line in models if wanted in line.partition("; ")[2].partition(". ")[0].split(", "))
        return next(able, models[-1])

    def _chance(self, what: str, name: str, prompt: str) -> float:
        return fraction(self.seed, what, name, prompt)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
