"""What `sglang serve` and `vllm serve` look like from outside, around a tiny policy: their flags, one endpoint each.

    python fake_engine.py sglang serve --model-path POLICY --served-model-name NAME --port PORT …

It takes the flags that the real ones document (sglang 0.5.12, vllm 0.24) and no others, samples greedily with the
weights that it was pointed at, and answers GET /seen with its arguments and every prompt and turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rl_router.policy.decoder import BatchedDecoder, text_end
from rl_router.policy.folder import load_policy
from rl_router.policy.play import GREEDY


def flags(engine: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["serve"])
    if engine == "sglang":
        parser.add_argument("--model-path", type=Path, required=True)
        parser.add_argument("--context-length", type=int)
    else:
        parser.add_argument("model_path", type=Path)
        parser.add_argument("--max-model-len", type=int)
        parser.add_argument("--generation-config", default="auto")
        parser.add_argument("--enable-auto-tool-choice", action="store_true")
    for name in ("--served-model-name", "--host", "--tool-call-parser", "--dtype"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int)
    parser.add_argument("--tensor-parallel-size", type=int, default=1)
    return parser


def main() -> None:
    engine, *arguments = sys.argv[1:]
    args = flags(engine).parse_args(arguments)
    policy = load_policy(args.model_path)
    seen: dict[str, Any] = {"arguments": arguments, "turns": []}

    def sample(prompt_ids: list[int], max_tokens: int, stop_ids: list[int], stop_texts: list[str]) -> list[int]:
        decoder = BatchedDecoder(policy.model, pad_id=policy.tokenizer.pad_token_id)
        ended = text_end(policy.tokenizer, stop_texts)
        turn = decoder.generate(prompt_ids, max_tokens=max_tokens, stop_ids=stop_ids, params=GREEDY, ended=ended)
        ids = asyncio.run(_awaited(turn)).token_ids
        seen["turns"].append({"prompt": prompt_ids, "sampled": ids})
        return ids

    def sglang(body: dict[str, Any]) -> dict[str, Any]:
        how = body["sampling_params"]
        assert how["temperature"] == 0.0
        ids = sample(body["input_ids"], how["max_new_tokens"], how["stop_token_ids"], how.get("stop", []))
        return {"text": policy.tokenizer.decode(ids), "output_ids": ids, "meta_info": {"completion_tokens": len(ids)}}

    def vllm(body: dict[str, Any]) -> dict[str, Any]:
        assert (body["model"], body["temperature"]) == (args.served_model_name, 0.0)
        ids = sample(body["prompt"], body["max_tokens"], body["stop_token_ids"], body.get("stop", []))
        told = ids if body.get("return_token_ids") else None
        return {"choices": [{"index": 0, "text": policy.tokenizer.decode(ids), "token_ids": told}]}

    answers = {"sglang": ("/generate", sglang), "vllm": ("/v1/completions", vllm)}
    path, answer = answers[engine]

    class Engine(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, seen)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == path:
                self._send(200, answer(body))
            else:
                self._send(404, {"error": {"message": f"there is no {self.path}"}})

        def _send(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    ThreadingHTTPServer((args.host, args.port), Engine).serve_forever()


async def _awaited(work: Any) -> Any:
    return await work


if __name__ == "__main__":
    main()
