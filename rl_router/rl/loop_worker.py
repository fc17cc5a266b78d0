"""verl's agent-loop worker with the per-episode overhead taken out: one loop object, one write per group.

Stock verl builds a loop through Hydra for every episode and writes every episode to its queue apart, which on a small
model costs more than sampling. The episodes, their order and what the trainer reads of them are the same.
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

_StockWorker: Any = AgentLoopWorkerTQ.__ray_metadata__.modified_class  # the class behind the Ray actor


class EpisodeLoopWorker(_StockWorker):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        torch.set_num_threads(1)
        self._loops: dict[str, Any] = {}

    async def _run_prompt(
        self, prompt: dict[str, Any], sampling_params: dict[str, Any], trajectory: dict[str, Any], trace: bool = False
    ) -> None:
        if trajectory["validate"]:
            return await super()._run_prompt(prompt, sampling_params, trajectory, trace)
        uid = prompt["uid"]
        await tq.async_kv_put(key=uid, partition_id="train", tag={"status": "running"})
        n = self.config.actor_rollout_ref.rollout.n
        loop = self._loop(prompt.pop("agent_name"))
        outputs = await asyncio.gather(
            *(loop.run(dict(sampling_params), **prompt) for _ in range(n)), return_exceptions=True
        )
        finished = {i: o for i, o in enumerate(outputs) if isinstance(o, AgentLoopOutput)}
        for error in (o for o in outputs if isinstance(o, BaseException)):
            loop.report(error)
        if finished:
            await self._put_group(uid, finished, prompt)
        status = "finished" if len(finished) == n else "failure"
        await tq.async_kv_put(key=uid, partition_id="train", tag={"status": status})

    async def _put_group(self, uid: str, outputs: dict[int, AgentLoopOutput], prompt: dict[str, Any]) -> None:
        keys, fields, tags = [], [], []
        for session, output in outputs.items():
            field = output.as_dict()
            prompts, responses = field["prompts"], field["responses"]
            input_ids = torch.cat([prompts, responses])
            field |= {
                "uid": uid,
                "input_ids": input_ids,
                "position_ids": torch.arange(len(input_ids)),
                "loss_mask": field["response_mask"],
                "multi_modal_inputs": {},
            }
            keys.append(f"{uid}_{session}_0")
            fields.append(field)
            tags.append(
                {
                    "status": "success",
                    "prompt_len": len(prompts),
                    "response_len": len(responses),
                    "seq_len": len(input_ids),
                    "global_steps": prompt["global_steps"],
                    "min_global_steps": output.extra_fields["min_global_steps"],
                    "max_global_steps": output.extra_fields["max_global_steps"],
                }
            )
        await tq.async_kv_batch_put(
            keys=keys, fields=list_of_dict_to_tensordict(fields), tags=tags, partition_id="train"
        )

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


class EpisodeLoopManager(AgentLoopManagerTQ):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(EpisodeLoopWorker)
