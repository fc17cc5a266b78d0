"""verl's agent-loop worker with the per-episode overhead taken out: one loop object, one write per group.

Stock verl builds a loop through Hydra for every episode, asks a load balancer for every turn and writes every episode
to its queue apart, which on a small model costs more than sampling. What is asked, sampled and trained on is the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ray
import torch
import transfer_queue as tq
from verl.experimental.agent_loop.agent_loop import AgentLoopOutput, DictConfigWrap, ToolListWrap, _agent_loop_registry
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ, AgentLoopWorkerTQ
from verl.utils.import_utils import load_class_from_fqn
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

from rl_router.rl.rollout_server import ENGINE, servers

_StockWorker: Any = AgentLoopWorkerTQ.__ray_metadata__.modified_class  # the class behind the Ray actor

GATHER_S = 0.05


class EpisodeLoopWorker(_StockWorker):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        torch.set_num_threads(1)
        self._loops: dict[str, Any] = {}
        self._finished: dict[str, tuple[dict[str, Any], list[Any]]] = {}
        # Made now: a task that cannot be read here must end the run, not leave its first step waiting for ever.
        self._loop(self.config.actor_rollout_ref.rollout.agent.default_agent_loop)

    async def generate_sequences(self, batch: Any) -> None:
        """Start the episodes of every prompt. Validation is left to the stock worker."""
        if "validate" in batch and batch["validate"]:
            return await super().generate_sequences(batch)
        rollout = self.config.actor_rollout_ref.rollout
        params = {"temperature": rollout.temperature, "top_p": rollout.top_p, "top_k": rollout.top_k, "logprobs": True}
        for row in _rows(batch):
            task = asyncio.create_task(self._run_prompt(row, params, {"validate": False}))
            self.background_tasks.add(task)
            task.add_done_callback(self.background_tasks.discard)

    async def _run_prompt(
        self, prompt: dict[str, Any], sampling_params: dict[str, Any], trajectory: dict[str, Any], trace: bool = False
    ) -> None:
        if trajectory["validate"]:
            return await super()._run_prompt(prompt, sampling_params, trajectory, trace)
        n = self.config.actor_rollout_ref.rollout.n
        loop = self._loop(prompt.pop("agent_name"))
        outputs = await loop.run_group(n, dict(sampling_params), **prompt)
        for error in (o for o in outputs if isinstance(o, BaseException)):
            loop.report(error)
        self._finished[prompt["uid"]] = (prompt, outputs)
        if len(self._finished) == 1:
            await asyncio.sleep(GATHER_S)  # groups that finish at about the same time share one write
            await self._put_groups()

    async def _put_groups(self) -> None:
        """Write the episodes of every finished group, then mark the groups as finished."""
        finished, self._finished = self._finished, {}
        keys, fields, tags = [], [], []
        for uid, (prompt, outputs) in finished.items():
            for session, output in enumerate(outputs):
                if isinstance(output, AgentLoopOutput):
                    keys.append(f"{uid}_{session}_0")
                    fields.append(_tensors(uid, output))
                    tags.append(_tag(fields[-1], output, prompt["global_steps"]))
        if keys:
            td = list_of_dict_to_tensordict(fields)
            await tq.async_kv_batch_put(keys=keys, fields=td, tags=tags, partition_id="train")
        statuses = [
            {"status": "finished" if all(isinstance(o, AgentLoopOutput) for o in outputs) else "failure"}
            for _, outputs in finished.values()
        ]
        await tq.async_kv_batch_put(keys=list(finished), tags=statuses, partition_id="train")

    def _loop(self, name: str) -> Any:
        if name not in self._loops:
            arguments = {
                key: value for key, value in _agent_loop_registry[name].items() if key not in ("name", "_target_")
            }
            make = load_class_from_fqn(_agent_loop_registry[name]["_target_"], "AgentLoop")
            self._loops[name] = make(
                **arguments,
                trainer_config=DictConfigWrap(config=self.config),
                server_manager=self.llm_client,
                tokenizer=self.tokenizer,
                processor=self.processor,
                hf_model_type=self.hf_model_type,
                dataset_cls=self.dataset_cls,
                data_config=DictConfigWrap(self.config.data),
                tools=ToolListWrap(self.tools),
            )
        return self._loops[name]


def _rows(batch: Any) -> list[dict[str, Any]]:
    """The columns that an episode reads, a dict per prompt. Each column is unpacked once: on a batch that was joined
    from several, reading it by row costs seconds."""
    columns = {}
    for key in ("uid", "agent_name", "extra_info", "global_steps"):
        value = batch.get(key)
        data = value.tolist() if hasattr(value, "tolist") else value
        columns[key] = data if isinstance(data, list) else [data] * len(batch)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _tensors(uid: str, output: AgentLoopOutput) -> dict[str, torch.Tensor]:
    """What the trainer reads of an episode, all as tensors: anything else costs it a Python object per row and step."""
    stock = output.as_dict()
    prompts, responses = stock["prompts"], stock["responses"]
    input_ids = torch.cat([prompts, responses])
    return {
        "prompts": prompts,
        "responses": responses,
        "response_mask": stock["response_mask"],
        "loss_mask": stock["response_mask"],
        "rollout_log_probs": stock["rollout_log_probs"],
        "rm_scores": stock["rm_scores"],
        "input_ids": input_ids,
        "position_ids": torch.arange(len(input_ids)),
        "num_turns": torch.tensor(output.num_turns),
        "uid": torch.tensor(int(uid.replace("-", "")[:15], 16)),  # equal within a group is all that is asked of it
    }


def _tag(field: dict[str, torch.Tensor], output: AgentLoopOutput, global_steps: int) -> dict[str, Any]:
    return {
        "status": "success",
        "prompt_len": len(field["prompts"]),
        "response_len": len(field["responses"]),
        "seq_len": len(field["input_ids"]),
        "global_steps": global_steps,
        "min_global_steps": output.extra_fields["min_global_steps"],
        "max_global_steps": output.extra_fields["max_global_steps"],
    }


class EpisodeLoopManager(AgentLoopManagerTQ):
    """Episodes run inside our own engine's servers, where a turn needs no message; beside any other engine."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(EpisodeLoopWorker)

    async def _init_agent_loop_workers(self) -> None:
        if self.rollout_config.name != ENGINE:
            await super()._init_agent_loop_workers()
            return
        self.agent_loop_workers = servers()
        await asyncio.gather(*(s.host_episodes.remote(self.config) for s in self.agent_loop_workers))
