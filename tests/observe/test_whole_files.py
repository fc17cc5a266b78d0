import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rl_router.errors import CheckpointError
from rl_router.observe.files import append_lines, read_json, read_lines, rewrite_lines, write_json, write_text


def test_a_torn_last_line_is_dropped_when_reading(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2}\n{"step":3,"rew')
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_appending_after_a_torn_line_cuts_it_off(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2,"rew')
    append_lines(path, [{"step": 2}])
    assert path.read_bytes() == b'{"step": 1}\n{"step": 2}\n'.replace(b'{"step": 1}', b'{"step":1}')


def test_a_torn_line_longer_than_one_block_is_cut_off_too(tmp_path):
    path = tmp_path / "episodes.jsonl"
    path.write_bytes(b'{"step":1}\n{"text":"' + b"x" * 200_000)
    append_lines(path, [{"step": 2}])
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_a_file_that_is_one_torn_line_becomes_the_new_line_alone(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"st')
    append_lines(path, [{"step": 1}])
    assert read_lines(path) == [{"step": 1}]


def test_a_last_line_that_lost_only_its_newline_is_kept(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step":1}')
    append_lines(path, [{"step": 2}])
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_a_broken_line_in_the_middle_is_an_error_that_names_the_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step":1}\nnonsense\n{"step":2}\n')
    with pytest.raises(CheckpointError, match="line 2 of"):
        read_lines(path)


def test_no_file_has_no_lines(tmp_path):
    assert read_lines(tmp_path / "none.jsonl") == []


def test_unusual_line_ends_and_lone_surrogates_survive_the_round_trip(tmp_path):
    row = {"text": "a\nb\u2028c\x85d \ud83d e", "n": 1}
    append_lines(tmp_path / "a.jsonl", [row, row])
    assert read_lines(tmp_path / "a.jsonl") == [row, row]


def test_numbers_that_json_cannot_say_become_null_and_numpy_numbers_become_numbers(tmp_path):
    append_lines(tmp_path / "a.jsonl", [{"nan": float("nan"), "inf": [np.float32("inf")], "half": np.float32(0.5)}])
    assert read_lines(tmp_path / "a.jsonl") == [{"nan": None, "inf": [None], "half": 0.5}]


def test_many_writers_never_mix_their_lines(tmp_path):
    path = tmp_path / "episodes.jsonl"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: append_lines(path, [{"n": n, "text": "x" * 20_000}]), range(40)))
    assert sorted(row["n"] for row in read_lines(path)) == list(range(40))


def test_kill_9_in_the_middle_of_appending_costs_no_whole_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    code = (
        "import sys, itertools, pathlib\n"
        "from rl_router.observe.files import append_lines\n"
        "for n in itertools.count():\n"
        "    append_lines(pathlib.Path(sys.argv[1]), [{'step': n, 'text': 'x' * 5000}])\n"
        "    if n == 20: print('go', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"go\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    rows = read_lines(path)
    assert len(rows) >= 21
    assert [row["step"] for row in rows] == list(range(len(rows)))


def test_a_value_that_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_json(path, {"rows": []})

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_json(path, {"rows": [1]})
    assert json.loads(path.read_text()) == {"rows": []}
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_text_with_a_lone_surrogate_can_be_written(tmp_path):
    write_text(tmp_path / "report.html", "a\ud83db")
    assert (tmp_path / "report.html").read_text() == "a?b"


def test_rewriting_lines_replaces_all_of_them(tmp_path):
    path = tmp_path / "a.jsonl"
    append_lines(path, [{"step": 1}, {"step": 2}])
    rewrite_lines(path, [{"step": 1}])
    assert read_lines(path) == [{"step": 1}]


def test_half_a_json_file_and_none_are_errors_that_say_what_to_do(tmp_path):
    (tmp_path / "results.json").write_text('{"rows": [')
    with pytest.raises(CheckpointError, match="not whole JSON"):
        read_json(tmp_path / "results.json")
    with pytest.raises(CheckpointError, match="not there"):
        read_json(tmp_path / "choices.json")
