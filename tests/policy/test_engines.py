"""What the engines that host a policy are started with and asked for."""

from pathlib import Path

import pytest

from rl_router.policy.engines import host_command, sampled_ids, stop_sampling, turn_request

WHERE = ["--served-model-name", "mine", "--host", "127.0.0.1", "--port", "9"]
ASKED = {"name": "mine", "host": "127.0.0.1", "port": 9, "context_tokens": 1000}
PARSER = ["--tool-call-parser", "hermes"]


def test_the_command_lines_name_the_parser_that_the_tools_dialect_needs():
    with_tools = host_command("sglang", Path("/p"), has_tools=True, **ASKED)
    assert with_tools == ["sglang", "serve", "--model-path", "/p", *WHERE, "--context-length", "1008", *PARSER]
    of_vllm = ["vllm", "serve", "/p", *WHERE, "--max-model-len", "1000", "--generation-config", "vllm"]
    with_tools = host_command("vllm", Path("/p"), has_tools=True, **ASKED)
    assert with_tools == [*of_vllm, "--enable-auto-tool-choice", *PARSER]
    assert host_command("vllm", Path("/p"), has_tools=False, **ASKED) == of_vllm


def test_an_engine_is_asked_for_ids():
    path, body = turn_request("sglang", "mine", [1, 2], 30, [7], ["</search>"])
    how = {"max_new_tokens": 30, "temperature": 0.0, "stop_token_ids": [7], "stop": ["</search>"], "no_stop_trim": True}
    assert (path, body) == ("/generate", {"input_ids": [1, 2], "sampling_params": how})
    path, body = turn_request("vllm", "mine", [1, 2], 30, [7], [])
    assert path == "/v1/completions"
    assert body == {
        "model": "mine", "prompt": [1, 2], "max_tokens": 30, "return_token_ids": True, "temperature": 0.0,
        "stop_token_ids": [7],
    }  # fmt: skip


def test_an_engine_is_told_to_keep_the_text_that_it_stops_at():
    assert stop_sampling("vllm", ["</search>"]) == {"stop": ["</search>"], "include_stop_str_in_output": True}
    assert stop_sampling("sglang", ["</search>"]) == {"stop": ["</search>"], "no_stop_trim": True}
    assert stop_sampling("transformers", ["</search>"]) == {"stop": ["</search>"]}


def test_ids_are_found_where_each_engine_writes_them():
    assert sampled_ids("sglang", {"text": "x", "output_ids": [3, 4]}) == [3, 4]
    assert sampled_ids("vllm", {"choices": [{"text": "x", "token_ids": [3, 4]}]}) == [3, 4]
    with pytest.raises(ValueError, match="token ids"):
        sampled_ids("vllm", {"choices": [{"text": "x", "token_ids": None}]})
