import json
from dataclasses import asdict
from pathlib import Path

import pytest

from rl_router.errors import DataError
from rl_router.evaluation.off_policy.log import LoggedCall, append, read_log

CALL = LoggedCall(
    query_id="q1", query="2 + 2?\u2028really", candidates=("small", "large"), model="small", propensity=0.9, quality=1.0
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    return path


def record(**changes: object) -> str:
    return json.dumps(asdict(CALL) | changes) + "\n"


def test_what_a_gateway_writes_is_read_back(tmp_path):
    second = LoggedCall(query_id="q2", query="?", candidates=("small",), model="small", propensity=1, cost_usd=0.01)
    append(tmp_path / "log", CALL)
    append(tmp_path / "log", second)
    assert read_log(tmp_path / "log") == [CALL, second]


def test_fields_that_the_schema_does_not_know_are_ignored(tmp_path):
    assert read_log(write(tmp_path / "log", record(latency_s=0.5))) == [CALL]


def test_a_last_line_that_a_kill_cut_off_is_left_out(tmp_path):
    assert read_log(write(tmp_path / "log", record(), record()[:20])) == [CALL]
    whole = write(tmp_path / "whole", record().rstrip("\n"))
    assert read_log(whole) == [CALL]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{]\n", "line 2"),
        ("[1]\n", "line 2 .*got list"),
        (record(propensity=0), "line 2 .*propensity is a number above 0 to 1, not 0"),
        (record(propensity=True), "propensity"),
        (record(quality=1.5), "quality is a number from 0 to 1"),
        (record(cost_usd=float("inf")), "cost_usd"),
        (record(model="huge"), "'huge' is not among its candidates small, large"),
        (record(candidates="small"), "candidates is a list"),
        (record(query=None), "are texts"),
        ('{"query_id": "q2"}\n', "no query, candidates, model, propensity in line 2"),
        (record(), "'q1' twice"),
    ],
)
def test_a_bad_line_is_named_in_one_sentence(tmp_path, bad: str, said: str):
    with pytest.raises(DataError, match=said):
        read_log(write(tmp_path / "log", record(), bad, record()))


def test_an_empty_or_missing_log_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no call"):
        read_log(write(tmp_path / "log", "\n"))
    with pytest.raises(DataError, match="cannot be read .No such file"):
        read_log(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        read_log(tmp_path / "bytes")
