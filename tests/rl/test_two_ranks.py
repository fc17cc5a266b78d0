"""Two training ranks over gloo and two engines, on CPU; whichever is killed ends the run, which then resumes."""

import threading

import pytest

from rl_router.errors import RunError
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.job import Cluster
from rl_router.rl.launch import train
from rl_router.rl.presets import Dapo

pytest.importorskip("verl")

RANK, ENGINE = "ray::WorkerDict", "ray::TransformersServer"


def of_kind(processes, kind):
    return [process for process in processes if kind in " ".join(process.cmdline())]


@pytest.fixture
def train_until_one_is_killed(processes_of):
    """Trains until a process of a kind is killed after a step: the error, and how many ranks and engines there were."""

    def run(job, kind, step):
        folder, there, ended = RunFolder(job.run_dir), [], threading.Event()

        def kill():
            while len(folder.read_metrics() if folder.metrics.is_file() else []) < step:
                if ended.wait(0.05):
                    return
            here = processes_of(folder.path)
            there.extend(len(of_kind(here, each)) for each in (RANK, ENGINE))
            of_kind(here, kind)[-1].kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with pytest.raises(RunError) as caught:
                train(job)
        finally:
            ended.set()
            killer.join()
        assert processes_of(folder.path) == [] and not folder.policy.exists()
        return str(caught.value), there

    return run


@pytest.mark.timeout(900)
def test_a_killed_engine_or_rank_ends_the_run_with_an_error_and_the_command_resumes_it(
    tmp_path, small_job, train_until_one_is_killed
):
    algorithm = Dapo(steps=7, prompts_per_step=4, group_size=4, warmup_steps=0)
    job = small_job(tmp_path / "run", algorithm=algorithm, cluster=Cluster(devices_per_node=2))
    for kind, step, said in ((ENGINE, 2, "transformers_server_"), (RANK, 4, "WorkerDict")):
        error, there = train_until_one_is_killed(job, kind, step)
        assert there == [2, 2]
        assert said in error or "ActorDiedError" in error, error

    folder = train(job)
    rows = folder.read_metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert all(row["training/rollout_probs_diff_max"] < 1e-3 for row in rows)  # both engines have both ranks' weights
    assert (folder.policy / "model.safetensors").is_file()
