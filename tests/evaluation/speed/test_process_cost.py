"""A watched trainer: all of its processes are counted, a daemon that left the family included, and none is left."""

import sys

import psutil
import pytest

from rl_router.errors import RunError
from rl_router.evaluation.speed.process_cost import MARKER, watch

STEPS = """
import json, subprocess, sys, time

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass

def step(n):
    row = {"step": n, "timing_s/step": 0.5, "tokens/sampled": 7, "reward/mean": 0.25}
    with open(sys.argv[1], "a") as file: file.write(json.dumps(row) + "\\n")
    time.sleep(0.3)
"""
DAEMON = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\ntime.sleep(20)"


def run(folder, script, **options):
    command = [sys.executable, "-c", STEPS + script, str(folder / "metrics.jsonl")]
    return watch(command, environment={}, folder=folder, **options)


def total_s(mark):
    return sum(mark.cpu_s.values())


def test_each_step_is_marked_with_clock_and_processor_time(tmp_path):
    first, second = run(tmp_path, "step(1); burn(0.3); step(2)")
    assert (first.step, second.step, second.own_s, second.tokens, second.reward) == (1, 2, 0.5, 7, 0.25)
    assert second.clock_s > first.clock_s
    assert 0.25 < total_s(second) - total_s(first) < 0.6


def test_a_daemon_whose_parent_has_gone_is_counted(tmp_path):
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DAEMON!r}], start_new_session=True)"
    script = f"""
step(1)
subprocess.run([sys.executable, "-c", {start!r}])
time.sleep(1.0)
step(2)
"""
    try:
        first, second = run(tmp_path, script)
        assert total_s(second) - total_s(first) > 0.15
    finally:
        for process in marked(tmp_path):
            process.kill()


def test_a_trainer_that_stalls_is_ended(tmp_path):
    with pytest.raises(RunError, match=r"no step for 0\.5 s"):
        run(tmp_path, "subprocess.run(['sleep', '60'])", stall_timeout_s=0.5)
    assert not marked(tmp_path)


def test_a_trainer_that_fails_is_an_error_that_names_its_log(tmp_path):
    with pytest.raises(RunError, match=r"exit code 3; read .*output\.log"):
        run(tmp_path, "sys.exit(3)")


def marked(folder):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(folder.resolve()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
