"""A verl rollout engine over transformers: token in, token out, one batched decoder per replica.

`TransformersServer` is the Ray actor that samples, `TransformersReplica` starts it, and `TransformersAdapter` lives in
the training worker and sends it new weights through Ray's object store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ray
import torch
from transformers import AutoModelForCausalLM
from verl.utils import normalize_token_ids
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import HFModelConfig, RolloutConfig
from verl.workers.rollout.base import BaseRollout
from verl.workers.rollout.replica import RolloutReplica, TokenOutput

from rl_router.policy.decoder import BatchedDecoder, SamplingParams, text_end

ENGINE = "transformers"


class TransformersServer:
    def __init__(self, config: Any, model_config: Any, replica_rank: int):
        torch.set_num_threads(1)  # a second thread fights the trainer for the core and slows small matrices
        self.config: RolloutConfig = omega_conf_to_dataclass(config)
        self.model_config: HFModelConfig = omega_conf_to_dataclass(model_config, dataclass_type=HFModelConfig)
        tokenizer = self.model_config.tokenizer
        self.eos_id: int = tokenizer.eos_token_id
        self.pad_id: int = self.eos_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.seed = self.config.seed + replica_rank
        self.global_steps = 0
        self.address = f"{ray.util.get_node_ip_address()}:{replica_rank}"
        self.decoder: BatchedDecoder | None = None
        self.episodes: Any = None

    async def launch_server(self) -> str:
        model = AutoModelForCausalLM.from_pretrained(self.model_config.local_path, dtype=torch.float32)
        self.decoder = BatchedDecoder(model, pad_id=self.pad_id, max_batch=self.config.max_num_seqs, seed=self.seed)
        return self.address

    async def generate(
        self,
        prompt_ids: Sequence[int],
        sampling_params: Mapping[str, Any],
        request_id: str,
        image_data: Any = None,
        video_data: Any = None,
    ) -> TokenOutput:
        assert self.decoder is not None, "launch_server comes first"
        ids = normalize_token_ids(prompt_ids)
        context = self.config.max_model_len or self.config.prompt_length + self.config.response_length
        asked = sampling_params.get("max_tokens") or sampling_params.get("max_new_tokens") or context
        sample = await self.decoder.generate(
            ids,
            max_tokens=min(asked, context - len(ids)),
            stop_ids=sampling_params.get("stop_token_ids") or [self.eos_id],
            params=SamplingParams(
                temperature=sampling_params.get("temperature", 1.0),
                top_p=sampling_params.get("top_p", 1.0),
                top_k=sampling_params.get("top_k", -1),
            ),
            ended=text_end(self.model_config.tokenizer, sampling_params.get("stop") or ()),
        )
        return TokenOutput(
            token_ids=sample.token_ids,
            log_probs=sample.log_probs,
            stop_reason="completed" if sample.stopped else "length",
            extra_fields={"global_steps": self.global_steps},
        )

    async def host_episodes(self, config: Any) -> None:
        """Become the agent-loop worker of this replica's share of the prompts."""
        from rl_router.rl.loop_worker import EpisodeLoopWorker

        self.episodes = EpisodeLoopWorker(config, _InProcess(self))

    async def generate_sequences(self, batch: Any) -> None:
        await self.episodes.generate_sequences(batch)

    async def load_weights(self, weights: Mapping[str, torch.Tensor], global_steps: int | None) -> None:
        assert self.decoder is not None, "launch_server comes first"
        self.decoder.load_weights(weights)
        if global_steps is not None:
            # The sampler's stream is a function of the step, so a resumed run draws what the undisturbed one drew.
            self.global_steps = global_steps
            self.decoder.generator.manual_seed(self.seed + 1_000_003 * global_steps)

    # verl manages device memory around each step; a CPU engine has none to give back.
    async def wake_up(self, tags: Any = None) -> None:
        return None

    async def sleep(self) -> None:
        return None

    async def abort_all_requests(self, reject_request: bool = False) -> None:
        return None

    async def resume_generation(self) -> None:
        return None

    async def clear_kv_cache(self) -> None:
        return None

    async def release_kv_cache(self) -> None:
        return None

    async def resume_kv_cache(self) -> None:
        return None

    async def start_profile(self, **_: Any) -> None:
        return None

    async def stop_profile(self) -> None:
        return None


class _InProcess:
    """The server as the client that agent loops expect, without a message in between."""

    def __init__(self, server: TransformersServer):
        self.server = server

    async def generate(
        self, request_id: str, *, prompt_ids: Sequence[int], sampling_params: Mapping[str, Any]
    ) -> TokenOutput:
        out = await self.server.generate(prompt_ids, sampling_params, request_id)
        out.extra_fields |= {"min_global_steps": self.server.global_steps, "max_global_steps": self.server.global_steps}
        return out


def _server_name(replica_rank: int) -> str:
    return f"transformers_server_{replica_rank}"


def servers() -> list[Any]:
    """The actors of every replica of this run, in order of rank."""
    found: list[Any] = []
    while True:
        try:
            found.append(ray.get_actor(_server_name(len(found))))
        except ValueError:
            return found


class TransformersReplica(RolloutReplica):
    async def launch_servers(self) -> None:
        server = (
            ray.remote(TransformersServer)
            .options(name=_server_name(self.replica_rank), max_concurrency=self.max_concurrency, num_cpus=1)
            .remote(self.config, self.model_config, self.replica_rank)
        )
        self._server_address = await server.launch_server.remote()
        self._server_handle = server
        self.servers = [server]


class TransformersAdapter(BaseRollout):
    def __init__(self, config: Any, model_config: Any, device_mesh: Any = None, replica_rank: int = -1, **_: Any):
        super().__init__(config, model_config, device_mesh)
        rank = int(os.environ["RANK"])
        replica_size = self.config.tensor_model_parallel_size * self.config.data_parallel_size
        self.replica_rank = rank // replica_size if replica_rank == -1 else replica_rank
        self.leads = rank % replica_size == 0
        self._server: Any = None

    async def resume(self, tags: list[str]) -> None:
        return None

    async def release(self) -> None:
        return None

    async def update_weights(
        self,
        weights: Iterable[tuple[str, torch.Tensor]],
        wire_format: str = "named_tensors",
        global_steps: int | None = None,
        **_: Any,
    ) -> None:
        if wire_format != "named_tensors":
            raise ValueError(f"the transformers engine takes whole named tensors, not {wire_format!r}")
        # Every rank drains the generator: gathering a sharded tensor is a collective.
        state = {name: tensor.detach().to("cpu", torch.float32) for name, tensor in weights}
        if not self.leads:
            return
        if self._server is None:
            self._server = ray.get_actor(_server_name(self.replica_rank))
        await self._server.load_weights.remote(state, global_steps)
