"""A picture in a request: who can take it, what routers learn of it, and what a provider gets of it.

The table's questions read alike with and without a picture. `mid` is best at text; of the two that take images `large`
is right about pictures and `small` is not. The reply is one that a provider sent, as it was recorded.
"""

import base64
import json
import struct
import zlib

import httpx
import polars as pl
import pytest
import yaml
from scripted import Scripted, completion

from rl_router.data.table import RoutingTable
from rl_router.routers.knn import Knn

WAIT_S = 30
RECORDED = {
    "id": "chatcmpl-AbC123", "object": "chat.completion", "created": 1732400000, "model": "large-2025-08-07",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "The picture is a single red pixel.",
                 "refusal": None, "annotations": []}, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 268, "completion_tokens": 9, "total_tokens": 277,
              "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
              "completion_tokens_details": {"reasoning_tokens": 0}},
    "service_tier": "default", "system_fingerprint": "fp_1",
}  # fmt: skip


def red_pixel():
    """A PNG of one red pixel, as a data URL: signature, header, one filtered row of RGB, end."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0\xff\0\0")
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


PICTURE = {"type": "image_url", "image_url": {"url": red_pixel(), "detail": "low"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
BEST = {True: "large", False: "mid"}


def rows():
    for number in range(40):
        has_picture = number % 2 == 0
        for model in ("small", "mid", "large"):
            yield {
                "dataset": "made_up", "split": "train", "query_id": f"q{number}", "query": f"what is in it {number}",
                "task": "t", "ground_truth": None, "model": model, "score": float(model == BEST[has_picture]),
                "cost_usd": 0.001, "prompt_tokens": 10, "completion_tokens": 5, "response": "yes",
                "meta": json.dumps({"images": [red_pixel()]}) if has_picture else None,
            }  # fmt: skip


@pytest.fixture
def served(tmp_path, gateway):
    """`served(reply)`: a gateway whose `small` and `large` take images, and nobody audio."""
    overrides = {"ground_truth": pl.String, "meta": pl.String}
    table = RoutingTable(pl.DataFrame(list(rows()), schema_overrides=overrides))
    Knn(k=5, prior=0.1).fit(table).save(tmp_path / "seeing" / "router")
    models = [
        {"name": name, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0, "capabilities": able}
        for name, able in {"small": ["general", "images"], "mid": ["general"], "large": ["images"]}.items()
    ]
    (tmp_path / "pool.yaml").write_text(yaml.safe_dump({"models": models}))
    return lambda reply: gateway(reply, routers={"seeing": tmp_path / "seeing"}, pool=str(tmp_path / "pool.yaml"))


def ask(running, *parts, **fields):
    content = [{"type": "text", "text": "what is in it 7"}, *parts]
    body = {"model": "auto", "messages": [{"role": "user", "content": content}]} | fields
    return httpx.post(f"{running.url}/chat/completions", json=body, timeout=WAIT_S)


def test_a_picture_goes_whole_to_the_model_that_is_best_at_pictures_and_its_recorded_reply_is_priced(served):
    with served(lambda body: Scripted(content=json.dumps(RECORDED).encode())) as (running, upstream):
        answer = ask(running, PICTURE).json()
    (sent,) = upstream.bodies
    assert sent["model"] == "large" and sent["messages"][0]["content"][1] == PICTURE
    assert answer["choices"] == RECORDED["choices"]
    metadata = answer["router_metadata"]
    assert metadata["total_cost"] == pytest.approx((268 * 1.0 + 9 * 2.0) / 1e6)
    assert set(metadata["predicted_quality"]) == {"small", "large"}  # mid was never a candidate


def test_the_same_words_without_a_picture_go_to_the_model_that_is_best_at_text(served):
    with served(lambda body: completion()) as (running, upstream):
        ask(running)
        ask(running, PICTURE)
        ask(running)
    assert [body["model"] for body in upstream.bodies] == ["mid", "large", "mid"]


def test_a_picture_of_an_earlier_turn_still_counts(served):
    earlier = [{"role": "user", "content": [PICTURE]}, {"role": "assistant", "content": "a pixel"}]
    with served(lambda body: completion()) as (running, upstream):
        messages = [*earlier, {"role": "user", "content": "what is in it 7"}]
        httpx.post(f"{running.url}/chat/completions", json={"model": "auto", "messages": messages}, timeout=WAIT_S)
    assert upstream.bodies[0]["model"] == "large"


def test_what_no_model_of_the_pool_takes_is_said_and_a_named_model_is_asked_all_the_same(served):
    with served(lambda body: completion()) as (running, upstream):
        refused = ask(running, SOUND)
        only_mid = ask(running, PICTURE, allowed_models=["mid"])
        named = ask(running, SOUND, model="mid")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "modality_not_supported")
    assert error["message"] == "no model of this router takes audio: large, mid, small"
    assert (only_mid.status_code, only_mid.json()["error"]["param"]) == (400, "allowed_models")
    assert named.status_code == 200 and len(upstream.bodies) == 1


def test_a_model_that_cannot_see_is_no_substitute_for_one_that_fails(served):
    def reply(body):
        return completion() if body["model"] == "mid" else Scripted(content=b"{}", status=500)

    with served(reply) as (running, upstream):
        assert ask(running, PICTURE).status_code >= 500
    assert [body["model"] for body in upstream.bodies] == ["large", "small"]
