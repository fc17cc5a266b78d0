"""The file of outcomes under two workers, a kill and nonsense."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from rl_router.errors import CheckpointError, DataError
from rl_router.online.learner import Memory
from rl_router.online.live import Live
from rl_router.online.store import Decided, OutcomeStore

MODELS = ("a", "b", "c")


def decision(name, rng):
    return Decided(
        decision_id=name,
        model=str(rng.choice(MODELS)),
        propensity=0.5,
        features=rng.standard_normal(3).astype(np.float32),
        expected_quality=0.5,
        expected_cost_usd=0.001,
    )


def live(path):
    return Live(OutcomeStore(path), memory=Memory(forgetting=0.999), d=3, trust={})


def test_an_outcome_counts_once_and_needs_its_decision(tmp_path):
    store = OutcomeStore(tmp_path / "outcomes.sqlite")
    store.decided([decision("one", np.random.default_rng(0))])
    assert store.happened("one", quality=1.0) == ("quality",)
    assert store.happened("one", quality=0.0, cost_usd=0.002) == ("cost_usd",)
    assert [(o.quality, o.cost_usd) for _, o in store.outcomes(0)] == [(1.0, None), (None, 0.002)]
    with pytest.raises(DataError, match="no decision 'two'"):
        store.happened("two", quality=1.0)
    with pytest.raises(DataError, match="quality from 0 to 1"):
        store.happened("one", quality=float("nan"))
    with pytest.raises(DataError, match="'one' is in .* already"):
        store.decided([decision("new", np.random.default_rng(0)), decision("one", np.random.default_rng(0))])
    store.decided([decision("new", np.random.default_rng(0))])  # of the refused batch nothing was kept


def test_two_workers_reach_what_one_would_have_reached_on_the_union(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "outcomes.sqlite"
    workers = [live(path), live(path)]
    for i in range(700):
        mine = workers[i % 2]
        mine.store.decided([decision(f"d{i}", rng)])
        mine.store.happened(f"d{i}", quality=float(rng.random() < 0.5), cost_usd=float(rng.random()))
        if i % 7 == 0:
            mine.catch_up()
    for worker in workers:
        worker.catch_up()
    late = live(path)  # starts from the snapshot that one of them left
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
        db.execute("DELETE FROM snapshots")
    alone = live(path)  # folds everything in itself
    x = np.array([0.6, 0.0, 0.8], np.float32)
    for one in (*workers, late):
        assert one.learner.clock == 700
        for model in MODELS:
            assert one.learner.gain(model, x) == pytest.approx(alone.learner.gain(model, x), rel=1e-9)
            assert one.learner.cost_ratio(model) == alone.learner.cost_ratio(model)


WRITER = """
import sys, numpy as np
from pathlib import Path
from rl_router.online.store import Decided, OutcomeStore
store, who = OutcomeStore(Path(sys.argv[1])), sys.argv[2]
for i in range(10**9):
    name = f"{who}-{i}"
    store.decided([Decided(decision_id=name, model="a", propensity=1.0, features=np.zeros(3, np.float32),
                           expected_quality=0.5, expected_cost_usd=0.0)])
    store.happened(name, quality=1.0)
    print(name, flush=True)
"""


def test_kill_9_loses_no_outcome_that_was_acknowledged(tmp_path):
    path = tmp_path / "outcomes.sqlite"
    OutcomeStore(path).close()
    said = []
    for number in range(3):
        log = tmp_path / f"said{number}"
        with open(log, "w") as out:
            writers = [
                subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"{number}{who}"], stdout=out)
                for who in "xy"
            ]
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and log.read_text().count("\n") < 40:
                time.sleep(0.02)
            for writer in writers:
                os.kill(writer.pid, signal.SIGKILL)
                writer.wait(timeout=30)
        said += [line for line in log.read_text().split("\n")[:-1] if line]
    assert len(said) >= 120
    with sqlite3.connect(path) as db:
        kept = {name for (name,) in db.execute("SELECT decision FROM outcomes")}
    assert kept >= set(said)
    assert live(path).learner.clock == len(kept)


def test_a_file_that_is_no_store_is_refused(tmp_path):
    path = tmp_path / "outcomes.sqlite"
    path.write_bytes(b"<html>" * 1000)
    with pytest.raises(CheckpointError, match="cannot be used as a file of outcomes"):
        OutcomeStore(path)


def test_a_broken_snapshot_is_refused(tmp_path):
    path = tmp_path / "outcomes.sqlite"
    worker = live(path)
    worker.store.keep_snapshot(worker._settings, 1, b"\x80\x04pickle")
    with pytest.raises(CheckpointError, match="snapshot of what was learned online is broken"):
        live(path)
