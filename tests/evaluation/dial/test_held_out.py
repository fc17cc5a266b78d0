from rl_router.episode.profiles import levels
from rl_router.evaluation.dial.held_out import ROLES, _beats, dominated_cases
from rl_router.recipe import load_job
from rl_router.rl.setting import Setting


def test_a_model_beats_another_when_it_has_clearly_more_skill_for_less_money():
    mine = {"price": 3, "units": 8}
    assert _beats(mine, {"price": 4, "units": 6}, "units") == 1
    assert _beats(mine, {"price": 3, "units": 6}, "units") == 0  # as dear
    assert _beats(mine, {"price": 4, "units": 7}, "units") == 0  # one level may be chance
    assert _beats(mine, {"price": 2, "units": 9}, "units") == 0
    assert _beats({"price": 5, "units": 6}, {"price": 3, "units": 8}, "units") == -1


def test_the_watched_model_stands_out_in_its_pool_and_was_held_out_or_not(tmp_path):
    job = load_job("held_out", [f"run_dir={tmp_path}", "task.n_test=80", "task.n_train=600"])
    setting = Setting.of(job)
    said = {s.name: levels(s.description) for s in setting.task.pool.specs}
    for role, sign in zip(ROLES, (1, -1), strict=True):
        for unseen in (True, False):
            cases = dominated_cases(setting, setting.task.test, role, unseen)
            assert len(cases) > 15
            for case in cases:
                beside = [name for name in case.models if name != case.watched]
                assert len(beside) == 3 and not set(beside) & set(job.pools.held_out)
                assert (case.watched in job.pools.held_out) == unseen
                kind = case.query.task.replace("_", "")
                assert {_beats(said[case.watched], said[name], kind) for name in beside} == {sign}
