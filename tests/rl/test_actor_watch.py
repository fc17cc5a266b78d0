import pytest

from rl_router.rl.actor_watch import ActorWatch


def test_an_actor_that_comes_late_is_known_and_one_that_goes_is_named():
    alive = ["engine_0", "worker_0"]
    watch = ActorWatch(lambda: list(alive), every_s=0.0)
    watch.check()
    alive.append("engine_1")
    watch.check()
    alive.remove("engine_1")
    with pytest.raises(RuntimeError, match="engine_1 died while the trainer waited"):
        watch.check()


def test_actors_are_not_asked_for_at_every_poll():
    asked = []
    watch = ActorWatch(lambda: asked.append(1) or [], every_s=3600.0)
    for _ in range(5):
        watch.check()
    assert asked == [1]
