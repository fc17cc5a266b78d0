"""SGLang and vLLM as hosts of a policy: how each is started for a run, and how it is given and gives back token ids.

Of SGLang this is `sglang serve` and POST /generate (0.5.12), of vLLM `vllm serve` and POST /v1/completions (0.24). Both
take a prompt as ids and return what they sampled as ids, the stop id included, so that no text is tokenised twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

EngineKind = Literal["sglang", "vllm"]
PARSER = "hermes"
"""The tools dialect speaks Hermes' format. Both engines know it by this name."""
SPARE_TOKENS = 8
"""SGLang keeps a few of its context for itself, and would cut the last turn of the longest episodes short."""


def host_command(
    engine: EngineKind, policy: Path, *, name: str, host: str, port: int, context_tokens: int, has_tools: bool
) -> list[str]:
    """The command line that serves the weights in `policy` as the model `name`.

    The parser serves those who talk to the engine's own chat endpoint; the gateway reads calls from what was sampled.
    """
    where = ["--served-model-name", name, "--host", host, "--port", str(port)]
    if engine == "sglang":
        parser = ["--tool-call-parser", PARSER] if has_tools else []
        length = ["--context-length", str(context_tokens + SPARE_TOKENS)]
        return ["sglang", "serve", "--model-path", str(policy), *where, *length, *parser]
    parser = ["--enable-auto-tool-choice", "--tool-call-parser", PARSER] if has_tools else []
    own = ["--max-model-len", str(context_tokens), "--generation-config", "vllm"]  # no penalty that training had not
    return ["vllm", "serve", str(policy), *where, *own, *parser]


def turn_request(
    engine: EngineKind, model: str, prompt_ids: Sequence[int], max_tokens: int, stop_ids: Sequence[int],
    stop_texts: Sequence[str],
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Path and body that ask for one greedy turn."""
    stops = stop_sampling(engine, stop_texts) if stop_texts else {}
    shared = {"temperature": 0.0, "stop_token_ids": list(stop_ids), **stops}
    if engine == "sglang":
        return "/generate", {"input_ids": list(prompt_ids), "sampling_params": {"max_new_tokens": max_tokens, **shared}}
    body = {"model": model, "prompt": list(prompt_ids), "max_tokens": max_tokens, "return_token_ids": True, **shared}
    return "/v1/completions", body


def sampled_ids(engine: EngineKind, answer: Mapping[str, Any]) -> list[int]:
    """The ids in an engine's answer; ValueError, KeyError or TypeError where there are none."""
    ids = answer["output_ids"] if engine == "sglang" else answer["choices"][0]["token_ids"]
    if not isinstance(ids, list) or not all(type(i) is int and i >= 0 for i in ids):
        raise ValueError("expected token ids")
    return ids


def stop_sampling(engine: str, stop_texts: Sequence[str]) -> dict[str, Any]:
    """How an engine is told to stop at a text and to give back the tokens that complete it."""
    keep = {"vllm": {"include_stop_str_in_output": True}, "sglang": {"no_stop_trim": True}}.get(engine, {})
    return {"stop": list(stop_texts), **keep}
