"""Batched sampling from any Hugging Face causal model with one KV cache and continuous admission.

Rows share their right edge: every step appends one token to every active row, a finished row leaves at once, and a
waiting prompt joins by being prefilled apart and padded on the left. Requests that arrive together share a prefill, and
equal prompts (the samples of one group) are prefilled once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch.nn import functional as F
from transformers import DynamicCache


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """`temperature` 0 is greedy. `top_k` -1 and `top_p` 1 keep the whole distribution."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Sampled ids (the stop id included) with log-probabilities under the distribution they were drawn from."""

    token_ids: list[int]
    log_probs: list[float]
    stopped: bool


@dataclass(eq=False)
class _Row:
    prompt_ids: tuple[int, ...]
    max_tokens: int
    stop_ids: frozenset[int]
    params: SamplingParams
    ended: Callable[[list[int]], bool]
    future: asyncio.Future[Sample]
    token_ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)


class BatchedDecoder:
    """Call `generate` from many coroutines of one event loop; the first call starts the decoding task.

    A failure inside the model reaches every waiting coroutine as that exception: nothing hangs.
    """

    def __init__(self, model: Any, *, pad_id: int, max_batch: int = 256, seed: int = 0, gather_s: float = 0.004):
        self.model = model.eval()
        self.pad_id = pad_id
        self.max_batch = max_batch
        self.gather_s = gather_s
        self.generator = torch.Generator(device=model.device).manual_seed(seed)
        self.sampled_tokens = 0
        self._waiting: deque[_Row] = deque()
        self._rows: list[_Row] = []
        self._cache: DynamicCache | None = None
        self._mask = torch.empty(0, 0, dtype=torch.long)  # [rows, t] 0 where padded
        self._logits = torch.empty(0, 0)  # [rows, vocabulary] for the next token
        self._task: asyncio.Task[None] | None = None

    async def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        max_tokens: int,
        stop_ids: Sequence[int],
        params: SamplingParams,
        ended: Callable[[list[int]], bool] = lambda token_ids: False,
    ) -> Sample:
        """`ended` is asked after each token, for ends that no single token marks."""
        future: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()
        if max_tokens < 1:
            return Sample(token_ids=[], log_probs=[], stopped=False)
        self._waiting.append(_Row(tuple(prompt_ids), max_tokens, frozenset(stop_ids), params, ended, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await future

    def load_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Replace parameters by name. Tied names that the model does not hold are skipped."""
        own = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, value in weights.items():
                if name in own:
                    own[name].copy_(value)

    async def _run(self) -> None:
        try:
            await asyncio.sleep(self.gather_s)  # let requests of one batch arrive
            steps = 0
            while self._waiting or self._rows:
                steps += 1
                if self._is_worth_a_prefill(steps):
                    self._admit()
                    steps = 0
                self._step()
                await asyncio.sleep(0)  # deliver finished rows, take new requests
                if self._waiting and not self._rows:
                    await asyncio.sleep(self.gather_s)
        except Exception as error:
            for row in [*self._rows, *self._waiting]:
                if not row.future.done():
                    row.future.set_exception(error)
            self._rows, self._cache = [], None
            self._waiting.clear()

    def _is_worth_a_prefill(self, steps: int) -> bool:
        """A prefill stops the rows that decode: it waits for a quarter as many as there are, or 8 steps at most."""
        joining = min(len(self._waiting), self.max_batch - len(self._rows))
        return joining > 0 and (steps >= 8 or 4 * joining >= len(self._rows))

    @torch.inference_mode()
    def _admit(self) -> None:
        room = self.max_batch - len(self._rows)
        rows = list(islice(self._waiting, room))
        if not rows:
            return
        unique = list(dict.fromkeys(r.prompt_ids for r in rows))
        position = {prompt: i for i, prompt in enumerate(unique)}
        width = max(len(p) for p in unique)
        device = self.model.device
        ids = torch.full((len(unique), width), self.pad_id)
        mask = torch.zeros(len(unique), width, dtype=torch.long)
        for i, prompt in enumerate(unique):
            ids[i, width - len(prompt) :] = torch.tensor(prompt)
            mask[i, width - len(prompt) :] = 1
        ids, mask = ids.to(device), mask.to(device)
        cache = DynamicCache()
        out = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        take = torch.tensor([position[r.prompt_ids] for r in rows], device=device)
        mask, logits = mask[take], out.logits[:, -1].float()[take]
        keys_values = [(layer.keys[take], layer.values[take]) for layer in cache.layers]
        if self._rows:
            width = max(mask.shape[1], self._mask.shape[1])
            mask = torch.cat([_pad_left(self._mask, width), _pad_left(mask, width)])
            logits = torch.cat([self._logits, logits])
            keys_values = [
                tuple(
                    torch.cat([_pad_left(a, width, dim=2), _pad_left(b, width, dim=2)])
                    for a, b in zip(old, new, strict=True)
                )
                for old, new in zip(self._layers(), keys_values, strict=True)
            ]
        for _ in rows:  # only now: a row that left the queue before a failure would wait for ever
            self._waiting.popleft()
        self._rows += rows
        self._mask, self._logits = mask, logits
        self._set_layers(keys_values)

    @torch.inference_mode()
    def _step(self) -> None:
        ids, log_probs = _sample(self._logits, [r.params for r in self._rows], self.generator)
        self.sampled_tokens += len(self._rows)
        keep = []
        sampled = zip(self._rows, ids.tolist(), log_probs.tolist(), strict=True)
        for i, (row, token, log_prob) in enumerate(sampled):
            row.token_ids.append(token)
            row.log_probs.append(log_prob)
            stopped = token in row.stop_ids or row.ended(row.token_ids)
            if stopped or len(row.token_ids) >= row.max_tokens or row.future.cancelled():
                if not row.future.done():
                    sample = Sample(token_ids=row.token_ids, log_probs=row.log_probs, stopped=stopped)
                    row.future.set_result(sample)
            else:
                keep.append(i)
        if not keep:
            self._rows, self._cache = [], None
            return
        if len(keep) < len(self._rows):
            take = torch.tensor(keep, device=ids.device)
            self._rows = [self._rows[i] for i in keep]
            start = int(self._mask[take].argmax(1).min())  # columns that were padding in every remaining row
            self._mask, ids = self._mask[take][:, start:], ids[take]
            self._set_layers([(k[take][:, :, start:], v[take][:, :, start:]) for k, v in self._layers()])
        self._mask = F.pad(self._mask, (0, 1), value=1)
        out = self.model(
            input_ids=ids[:, None],
            attention_mask=self._mask,
            position_ids=self._mask.sum(1, keepdim=True) - 1,
            past_key_values=self._cache,
            use_cache=True,
        )
        self._logits = out.logits[:, -1].float()

    def _layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        assert self._cache is not None
        return [(layer.keys, layer.values) for layer in self._cache.layers]

    def _set_layers(self, keys_values: Sequence[Any]) -> None:
        self._cache = DynamicCache()
        for i, (keys, values) in enumerate(keys_values):
            self._cache.update(keys, values, i)


def _pad_left(x: torch.Tensor, width: int, dim: int = 1) -> torch.Tensor:
    missing = width - x.shape[dim]
    return F.pad(x, (0, 0) * (x.dim() - 1 - dim) + (missing, 0)) if missing else x


def _sample(
    logits: torch.Tensor, params: Sequence[SamplingParams], generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, v] logits -> [n] ids and [n] log-probabilities under the temperature-scaled, truncated distribution."""
    temperature = torch.tensor([p.temperature for p in params], device=logits.device)
    greedy = temperature <= 0
    scores = (logits / torch.where(greedy, 1.0, temperature)[:, None]).log_softmax(-1)
    if any(p.top_k > 0 or p.top_p < 1 for p in params):
        scores = torch.stack([_truncate(row, p) for row, p in zip(scores, params, strict=True)])
    cumulative = scores.exp().cumsum(-1)
    draw = torch.rand(len(params), 1, generator=generator, device=logits.device) * cumulative[:, -1:]
    ids = torch.searchsorted(cumulative, draw, right=True).squeeze(1).clamp_(max=logits.shape[1] - 1)
    ids = torch.where(greedy, scores.argmax(-1), ids)
    return ids, scores.gather(1, ids[:, None]).squeeze(1)


def _truncate(scores: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """[v] log-probabilities, all but the nucleus (arXiv 1904.09751) or the top k at minus infinity, renormalised."""
    ordered, order = scores.sort(descending=True)
    keep = torch.ones_like(ordered, dtype=torch.bool)
    if params.top_k > 0:
        keep[params.top_k :] = False
    if params.top_p < 1:
        keep &= ordered.exp().cumsum(-1) - ordered.exp() < params.top_p
    kept = torch.full_like(scores, float("-inf")).scatter(0, order[keep], ordered[keep])
    return kept.log_softmax(-1)


LONGEST_STOP_TOKENS = 16
"""No stop text is made of more tokens."""


def text_end(tokenizer: Any, stop_texts: Sequence[str]) -> Callable[[list[int]], bool]:
    """Whether the last of some sampled ids completes one of `stop_texts`."""
    if not stop_texts:
        return lambda token_ids: False

    def ended(token_ids: list[int]) -> bool:
        tail = tokenizer.decode(token_ids[-LONGEST_STOP_TOKENS:], skip_special_tokens=False)
        return any(stop in tail for stop in stop_texts)

    return ended
