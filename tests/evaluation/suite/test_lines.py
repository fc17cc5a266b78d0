"""Lines: what is written comes back exactly, one JSON object per query, and a kill costs at most the last of them."""

import json

import numpy as np
import pytest

from rl_router.errors import CheckpointError
from rl_router.evaluation.suite import lines
from rl_router.evaluation.suite.played import NUMBERS, Calls, Played
from rl_router.types import Mode


def played(router="r", seed=0, ids=("a", "b", "c"), **changed):
    """Two settings; query a asks two models in turn at the first of them, query c none at the second."""
    shape = (2, len(ids))
    values = {name: np.full(shape, np.nan) for name in NUMBERS} | {
        "quality": np.array([[1.0, 0.0, np.nan], [0.5, 1 / 3, 0.0]])[:, : len(ids)],
        "cost_usd": np.array([[0.1, 1e-7, 0.3], [0.0, 0.25, 0.125]])[:, : len(ids)],
        "router_usd": np.zeros(shape),
        "failed_calls": np.zeros(shape),
        "truncated": np.array([[1.0, 0.0, np.nan], [0.0, 0.0, 1.0]])[:, : len(ids)],
        "prompt_tokens": np.array([[7.0, 8.0, np.nan], [1.0, 2.0, 3.0]])[:, : len(ids)],
    }
    calls = [[["big", "small"], ["small"]], [["big"], ["big"]], [["small"], []]]
    return Played(
        router=router, seed=seed, block=Mode.DECIDE, cost_reference_usd=0.02, cost_weights=(0.0, 0.5), query_ids=ids,
        datasets=("d",) * len(ids), tasks=("t",) * len(ids), calls=Calls.of(calls[: len(ids)]), **(values | changed),
    )  # fmt: skip


def names(calls):
    found = iter(calls.codes)
    return [[[calls.names[next(found)] for _ in range(n)] for n in row] for row in calls.counts]


def test_what_is_written_comes_back_exactly(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines.append(path, played())
    frame, torn = lines.read(path)
    back = lines.played_of(frame)["r", 0]
    assert not torn
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(back, name), getattr(played(), name), err_msg=name)
    assert names(back.calls) == [[["big", "small"], ["small"]], [["big"], ["big"]], [["small"], []]]
    assert (back.cost_weights, back.query_ids, back.block) == ((0.0, 0.5), ("a", "b", "c"), Mode.DECIDE)


def test_a_line_is_one_json_object_that_names_everything_it_knows(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines.append(path, played())
    first = json.loads(path.read_text().splitlines()[0])
    assert first == {
        "router": "r", "seed": 0, "block": "decide", "query_id": "a", "dataset": "d", "task": "t",
        "cost_reference_usd": 0.02, "cost_weights": [0.0, 0.5], "models": [["big", "small"], ["small"]],
        "quality": [1.0, 0.5],
        "cost_usd": [0.1, 0.0], "prompt_tokens": [7, 1], "truncated": [True, False],
    }  # fmt: skip


def test_a_torn_last_line_is_dropped_said_and_mended_by_the_next_write(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines.append(path, played())
    path.write_bytes(path.read_bytes()[:-30])
    frame, torn = lines.read(path)
    assert torn and frame["query_id"].to_list() == ["a", "b"]
    assert lines.missing(frame, ("r", 0), {"a": 0, "b": 1, "c": 2}).tolist() == [2]
    lines.append(path, played(router="s"))
    frame, torn = lines.read(path)
    assert not torn and frame["router"].to_list() == ["r", "r", "s", "s", "s"]


def test_a_line_that_lost_only_its_line_break_is_whole(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines.append(path, played())
    path.write_bytes(path.read_bytes()[:-1])
    frame, torn = lines.read(path)
    assert (len(frame), torn) == (3, False)


def test_no_file_is_no_lines(tmp_path):
    frame, torn = lines.read(tmp_path / "none.jsonl")
    assert (len(frame), torn) == (0, False)


@pytest.mark.parametrize("bad", ["{not json}", '{"router": "x"}', '{"router": 3, "seed": []}'])
def test_a_line_of_another_kind_is_refused_in_a_sentence(tmp_path, bad):
    path = tmp_path / "lines.jsonl"
    path.write_text(f"{bad}\n")
    lines.append(path, played())
    with pytest.raises(CheckpointError, match=r"lines\.jsonl") as caught:
        lines.read(path)
    assert "\n" not in str(caught.value)


def test_a_query_that_was_told_twice_counts_once(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines.append(path, played())
    lines.append(path, played(quality=np.ones((2, 3))))
    back = lines.played_of(lines.read(path)[0])["r", 0]
    assert back.query_ids == ("a", "b", "c") and back.quality[0, 1] == 0.0


def test_first_calls_and_shares_of_calls():
    calls = played().calls
    assert [[calls.names[i] if i >= 0 else None for i in row] for row in calls.first] == [
        ["big", "big", "small"], ["small", "big", None]
    ]  # fmt: skip
    assert calls.shares(0) == {"big": 0.5, "small": 0.5}  # big small, big, small
    assert calls.shares(1) == {"big": 0.5, "small": 0.5}  # small, big
