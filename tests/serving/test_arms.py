"""Which arm of a canary gave an answer is known to every worker, and of old answers to none."""

from rl_router.serving import arms as module
from rl_router.serving.arms import Arms


def test_what_one_worker_answered_another_knows_and_a_restart_does_not_forget(tmp_path):
    one, other = Arms(tmp_path / "arms.sqlite"), Arms(tmp_path / "arms.sqlite")
    one.keep("a", "canary")
    other.keep("b", "control")
    assert [other.of("a"), one.of("b"), one.of("nobody's")] == ["canary", "control", ""]
    one.close()
    other.close()
    again = Arms(tmp_path / "arms.sqlite")
    assert again.of("a") == "canary"
    again.close()


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRIM_EVERY", 5)
    arms = Arms(tmp_path / "arms.sqlite", remembered=3)
    for number in range(5):
        arms.keep(str(number), "canary")
    assert [arms.of(str(number)) for number in range(5)] == ["", "", "canary", "canary", "canary"]
    arms.close()
