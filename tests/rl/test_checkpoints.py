import zipfile

from rl_router.rl.checkpoints import last_whole_checkpoint, step_of

NAMES = ("actor/model_world_size_1_rank_0.pt", "actor/optim_world_size_1_rank_0.pt", "data.pt")


def save(folder, step):
    for name in NAMES:
        path = folder / f"global_step_{step}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data", b"x" * 1000)
    return folder / f"global_step_{step}"


def test_the_newest_checkpoint_is_taken_by_number_not_by_name(tmp_path):
    for step in (2, 10, 9):
        save(tmp_path, step)
    assert step_of(last_whole_checkpoint(tmp_path)) == 10


def test_a_checkpoint_cut_in_half_is_passed_over(tmp_path):
    save(tmp_path, 5)
    torn = save(tmp_path, 10) / NAMES[0]
    torn.write_bytes(torn.read_bytes()[:500])
    assert step_of(last_whole_checkpoint(tmp_path)) == 5


def test_a_checkpoint_without_its_dataloader_state_is_passed_over(tmp_path):
    save(tmp_path, 5)
    (save(tmp_path, 10) / "data.pt").unlink()
    assert step_of(last_whole_checkpoint(tmp_path)) == 5


def test_an_empty_folder_has_none(tmp_path):
    assert last_whole_checkpoint(tmp_path) is None


def test_a_checkpoint_after_the_last_logged_step_is_passed_over(tmp_path):
    for step in (5, 10):
        save(tmp_path, step)
    assert step_of(last_whole_checkpoint(tmp_path, through=9)) == 5
    assert step_of(last_whole_checkpoint(tmp_path, through=10)) == 10
    assert last_whole_checkpoint(tmp_path, through=4) is None


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert last_whole_checkpoint(tmp_path / "checkpoints", through=3) is None
