"""The episode as a verl agent loop: verl's server samples the turns, the environment does everything else.

Each finished episode is also appended to `rollouts/` in the run folder, from where the launcher makes the metrics by
term and the readable best and worst episodes of each group. An episode that could not be scored raises, so that verl
leaves it out of its group instead of taking it for a zero.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopMetrics, AgentLoopOutput

from rl_router.episode.rollout import run_episode
from rl_router.observe.rollouts import TEXT_LIMIT, episode_record
from rl_router.policy.engines import stop_sampling
from rl_router.rl.setting import codec_of, setting_of
from rl_router.types import Episode, Source

log = logging.getLogger(__name__)


class UnscoredEpisode(RuntimeError):
    """Nobody could say how good the answer was; the group goes on without this episode."""


class EpisodeAgentLoop(AgentLoopBase):
    """`config_json` is the run's; verl makes one loop per episode and passes the dataset's columns to `run`."""

    def __init__(self, *args: Any, config_json: str, rollouts_dir: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.setting = setting_of(config_json)
        self.codec = codec_of(config_json, self.tokenizer)
        self.rollouts_dir = Path(rollouts_dir)

    async def run(self, sampling_params: dict[str, Any], **columns: Any) -> AgentLoopOutput:
        """One episode on its own: verl's stock worker asks for it."""
        output = (await self.run_group(1, sampling_params, **columns))[0]
        if isinstance(output, BaseException):
            raise output
        return output

    async def run_group(
        self, n: int, sampling_params: dict[str, Any], **columns: Any
    ) -> list[AgentLoopOutput | BaseException]:
        """`n` episodes of one prompt. What they are worth is settled when all are there, since some rewards and
        advantages compare them; an exception stands for each that failed or could not be scored."""
        played = await asyncio.gather(
            *(self._play(sampling_params, columns["extra_info"]) for _ in range(n)), return_exceptions=True
        )
        whole = [p for p in played if not isinstance(p, BaseException)]
        episodes = self.setting.settle([p.episode for p in whole])
        worth = self.setting.job.advantage.of_group([e.reward for e in episodes])
        self._record(episodes, whole, columns)
        outputs = iter([_output(e, w, p) for e, w, p in zip(episodes, worth, whole, strict=True)])
        return [p if isinstance(p, BaseException) else next(outputs) for p in played]

    async def _play(self, sampling_params: dict[str, Any], row: dict[str, Any]) -> _Played:
        query, cost_weight = self.setting.queries[row["query_id"]], float(row["cost_weight"])
        environment = self.setting.environment(self.codec, query, cost_weight, models=_listed(row.get("models")))
        if self.codec.stop_texts:
            sampling_params = sampling_params | stop_sampling(self.rollout_config.name, self.codec.stop_texts)
        request_id, engine = uuid4().hex, _Engine(self.server_manager, sampling_params)
        started_s = time.perf_counter()
        episode = await run_episode(environment, lambda *turn: engine.generate(request_id, *turn))
        return _Played(episode, engine, time.perf_counter() - started_s)

    def report(self, error: BaseException) -> None:
        """An episode that raised is missing from its group; say why, unless it is one that could not be scored."""
        if not isinstance(error, UnscoredEpisode):
            log.error("an episode failed and is left out of its group", exc_info=error)

    def _record(self, episodes: Sequence[Episode], played: Sequence[_Played], columns: dict[str, Any]) -> None:
        """Whole lines in one write, so that a kill tears at most the last line of one process's file."""
        step = int(columns["global_steps"])
        records = (
            {"group": columns["uid"], "step": step, "seconds": p.seconds, **episode_record(e, TEXT_LIMIT)}
            for e, p in zip(episodes, played, strict=True)
        )
        with open(self.rollouts_dir / f"step_{step:06d}.{os.getpid()}.jsonl", "a") as file:
            file.write("".join(json.dumps(record) + "\n" for record in records))


class _Engine:
    """Calls verl's server and keeps what its metrics want back."""

    def __init__(self, server: Any, sampling_params: dict[str, Any]):
        self.server, self.sampling_params = server, sampling_params
        self.extra_fields: dict[str, Any] = {}
        self.generate_s = 0.0

    async def generate(self, request_id: str, prompt_ids: list[int], max_tokens: int, stop_ids: Any) -> Any:
        started_s = time.perf_counter()
        out = await self.server.generate(
            request_id=request_id,
            prompt_ids=prompt_ids,
            sampling_params={**self.sampling_params, "max_tokens": max_tokens, "stop_token_ids": list(stop_ids)},
        )
        self.generate_s += time.perf_counter() - started_s
        first = self.extra_fields.get("min_global_steps", out.extra_fields.get("min_global_steps"))
        self.extra_fields = {**out.extra_fields, "min_global_steps": first}
        return out


def _listed(models: Any) -> list[str] | None:
    """The episode's own pool, where its prompt names one: a column of lists comes as arrays."""
    return None if models is None else [str(name) for name in models] or None


class _Played(NamedTuple):
    episode: Episode
    engine: _Engine
    total_s: float

    @property
    def seconds(self) -> dict[str, float]:
        """Where the episode's time went: sampling turns, and waiting for the models that it asked."""
        return {"generate": self.engine.generate_s, "tools": self.total_s - self.engine.generate_s}


def _output(episode: Episode, worth: float | None, played: _Played) -> AgentLoopOutput | UnscoredEpisode:
    """`worth` is what verl compares within the group: the reward, or an advantage that is settled already."""
    if worth is None:
        return UnscoredEpisode(f"episode on {episode.query.query_id} could not be scored")
    prompt, *rest = episode.segments
    assert prompt.source is Source.PROMPT, "an episode starts with its prompt"
    engine = played.engine
    return AgentLoopOutput(
        prompt_ids=list(prompt.token_ids),
        response_ids=[i for s in rest for i in s.token_ids],
        response_mask=[int(s.source is Source.POLICY) for s in rest for _ in s.token_ids],
        response_logprobs=list(episode.log_probs[len(prompt.token_ids) :]),
        reward_score=worth,
        num_turns=int(episode.metrics["turns"]),
        metrics=AgentLoopMetrics(generate_sequences=played.seconds["generate"], tool_calls=played.seconds["tools"]),
        extra_fields={**engine.extra_fields, "reward_extra_info": {}, "turn_scores": [], "tool_rewards": []},
    )
