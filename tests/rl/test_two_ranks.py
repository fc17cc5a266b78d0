"""Two training ranks over gloo and two engines, on CPU; an engine that is killed ends the run, which then resumes."""

import threading

import pytest

from rl_router.errors import RunError
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.job import Cluster
from rl_router.rl.launch import train
from rl_router.rl.presets import Dapo

pytest.importorskip("verl")


def of_kind(processes, kind):
    return [process for process in processes if kind in " ".join(process.cmdline())]


@pytest.mark.timeout(600)
def test_a_killed_engine_ends_the_run_with_an_error_and_the_command_resumes_it(tmp_path, small_job, processes_of):
    algorithm = Dapo(steps=5, prompts_per_step=4, group_size=4, warmup_steps=0)
    job = small_job(tmp_path / "run", algorithm=algorithm, cluster=Cluster(devices_per_node=2))
    folder, killed, ended = RunFolder(job.run_dir), [], threading.Event()

    def kill_after_two_steps():
        while len(folder.read_metrics() if folder.metrics.is_file() else []) < 2:
            if ended.wait(0.05):
                return
        here = processes_of(folder.path)
        ranks, engines = of_kind(here, "ray::WorkerDict"), of_kind(here, "ray::TransformersServer")
        killed.append((len(ranks), len(engines)))
        engines[-1].kill()

    killer = threading.Thread(target=kill_after_two_steps)
    killer.start()
    with pytest.raises(RunError, match="transformers_server_|ActorDiedError"):
        train(job)
    ended.set()
    killer.join()
    assert killed == [(2, 2)]
    assert processes_of(folder.path) == []
    assert not folder.policy.exists()

    train(job)
    rows = folder.read_metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]
    assert all(row["training/rollout_probs_diff_max"] < 1e-3 for row in rows)  # both engines have both ranks' weights
    assert (folder.policy / "model.safetensors").is_file()
