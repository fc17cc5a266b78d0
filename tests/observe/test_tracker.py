import os
import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_router.errors import RunError
from rl_router.observe.run_folder import RunFolder
from rl_router.observe.tracker import Tracker


def _steps(folder):
    return [row["step"] for row in folder.read_metrics()]


def test_each_step_is_one_line_with_its_metrics_and_the_time(tmp_path):
    folder = RunFolder(tmp_path)
    with Tracker(folder, tensorboard=False) as tracker:
        tracker.log(1, {"reward/mean": 0.5})
        tracker.log(2, {"reward/mean": 0.75, "calls/mean": 2})
    first, second = folder.read_metrics()
    assert first["reward/mean"] == 0.5 and second["calls/mean"] == 2.0
    assert first["time"].endswith("+00:00") and first["time"] <= second["time"]


def test_resuming_from_a_checkpoint_leaves_no_gap_and_no_double_step(tmp_path):
    folder = RunFolder(tmp_path)
    with Tracker(folder, tensorboard=False) as tracker:
        for step in (1, 2, 3, 4, 5):
            tracker.log(step, {"reward/mean": 0.0})
    with open(folder.metrics, "ab") as file:
        file.write(b'{"step": 6, "rew')  # killed while it wrote
    with Tracker(folder, tensorboard=False, resume_from_step=3) as tracker:
        for step in (4, 5, 6):
            tracker.log(step, {"reward/mean": 1.0})
    assert _steps(folder) == [1, 2, 3, 4, 5, 6]
    assert [row["reward/mean"] for row in folder.read_metrics()] == [0, 0, 0, 1, 1, 1]


def test_resuming_from_zero_starts_over(tmp_path):
    folder = RunFolder(tmp_path)
    with Tracker(folder, tensorboard=False) as tracker:
        tracker.log(0, {"reward/mean": 0.1})
        tracker.log(1, {"reward/mean": 0.2})
    with Tracker(folder, tensorboard=False, resume_from_step=0) as tracker:
        tracker.log(1, {"reward/mean": 0.3})
    assert _steps(folder) == [0, 1]


def test_a_second_call_for_the_same_step_joins_its_line(tmp_path):
    folder = RunFolder(tmp_path)
    with Tracker(folder, tensorboard=False) as tracker:
        tracker.log(1, {"reward/mean": 0.5})
        tracker.log(2, {"reward/mean": 0.6})
        tracker.log(2, {"val/reward/mean": 0.7})
    assert _steps(folder) == [1, 2]
    assert folder.read_metrics()[1]["reward/mean"] == 0.6
    assert folder.read_metrics()[1]["val/reward/mean"] == 0.7


def test_an_earlier_step_is_refused_with_the_way_out(tmp_path):
    folder = RunFolder(tmp_path)
    Tracker(folder, tensorboard=False).log(5, {"reward/mean": 0.5})
    with pytest.raises(RunError, match="resume_from_step"):
        Tracker(folder, tensorboard=False).log(4, {"reward/mean": 0.5})


def test_tensorboard_gets_every_metric_and_forgets_the_steps_after_the_checkpoint(tmp_path):
    folder = RunFolder(tmp_path)
    with Tracker(folder) as tracker:
        for step in (1, 2, 3):
            tracker.log(step, {"reward/mean": 0.25})
    with Tracker(folder, resume_from_step=1) as tracker:
        tracker.log(2, {"reward/mean": 0.5})
    events = EventAccumulator(str(folder.tensorboard))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("reward/mean")] == [(1, 0.25), (2, 0.5)]


def test_tracking_does_not_import_torch(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from rl_router.observe.run_folder import RunFolder\n"
        "from rl_router.observe.tracker import Tracker\n"
        "with Tracker(RunFolder(pathlib.Path(sys.argv[1]))) as t: t.log(1, {'a': 1})\n"
        "assert not {'torch', 'wandb', 'ray'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)


def test_wandb_that_cannot_start_is_said_and_the_metrics_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    folder = RunFolder(tmp_path)
    with Tracker(folder, tensorboard=False, wandb="online") as tracker:
        tracker.log(1, {"reward/mean": 0.5})
    assert _steps(folder) == [1]
    assert "wandb is not available" in capsys.readouterr().err


def test_a_wandb_that_dies_in_mid_run_does_not_end_the_run(tmp_path, monkeypatch, capsys):
    class Dead:
        def log(self, values, step):
            raise ConnectionError("no route")

    folder = RunFolder(tmp_path)
    tracker = Tracker(folder, tensorboard=False)
    tracker._wandb = Dead()
    tracker.log(1, {"a": 1.0})
    tracker.log(2, {"a": 2.0})
    assert _steps(folder) == [1, 2]
    assert capsys.readouterr().err.count("wandb stopped taking metrics (no route)") == 1


def test_wandb_offline_writes_its_run_into_the_folder_under_a_lasting_id(tmp_path):
    pytest.importorskip("wandb")
    code = (
        "import sys, pathlib\n"
        "from rl_router.observe.run_folder import RunFolder\n"
        "from rl_router.observe.tracker import Tracker\n"
        "folder = RunFolder(pathlib.Path(sys.argv[1]))\n"
        "with Tracker(folder, tensorboard=False, wandb='offline') as t: t.log(1, {'a': 1})\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")],
        env=environment,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    run_id = (tmp_path / "run" / "wandb_run_id.txt").read_text()
    assert list((tmp_path / "run" / "wandb").glob(f"offline-run-*-{run_id}"))
