"""Step costs worked out by hand from what a watcher saw at the end of each step."""

import pytest

from rl_router.errors import RunError
from rl_router.evaluation.speed.step_cost import StepMark, ratios, step_cost


def marks(*rows):
    return [
        StepMark(step=i, clock_s=clock_s, cpu_s={"main": cpu_s}, own_s=own_s, tokens=tokens, reward=reward)
        for i, (clock_s, cpu_s, own_s, tokens, reward) in enumerate(rows, start=1)
    ]


#             clock  cpu  own  tokens reward
RUN = marks(
    (10.0, 20.0, 4.0, 999, 9.0),  # warm-up
    (12.0, 23.0, 1.5, 100, 0.2),
    (13.0, 24.0, 0.5, 100, 0.4),
    (19.0, 30.0, 5.5, 300, 0.6),
    (40.0, 99.0, 20.0, 999, 9.0),  # the last step also saves: not counted
)


def test_only_the_counted_steps_count():
    cost = step_cost("ours", [RUN], warm_up=1, count=3)
    assert cost.steps == 3
    assert cost.step_s_median == 2.0  # of 2, 1 and 6
    assert cost.own_step_s_median == 1.5
    assert cost.step_s_mean == pytest.approx(3.0)
    assert cost.cpu_s_per_step == pytest.approx(10 / 3)
    assert cost.tokens_per_step == pytest.approx(500 / 3)
    assert cost.tokens_per_s == pytest.approx(500 / 9)
    assert cost.tokens_per_cpu_s == pytest.approx(50.0)
    assert cost.reward_mean == pytest.approx(0.4)
    assert cost.startup_s == 6.0
    assert cost.startup_cpu_s == 20.0


def test_processor_time_is_told_by_process_and_one_that_starts_late_counts():
    before, after = {"sampler": 5.0, "trainer": 1.0}, {"sampler": 6.0, "trainer": 4.0, "late": 2.0}
    ends = [
        StepMark(step=1, clock_s=1.0, cpu_s=before, own_s=1.0, tokens=10, reward=0.0),
        StepMark(step=2, clock_s=2.0, cpu_s=before, own_s=1.0, tokens=10, reward=0.0),
        StepMark(step=3, clock_s=3.0, cpu_s=after, own_s=1.0, tokens=10, reward=0.0),
    ]
    cost = step_cost("ours", [ends], warm_up=1, count=2)
    assert list(cost.cpu_s_per_step_by_process.items()) == [("trainer", 1.5), ("late", 1.0), ("sampler", 0.5)]
    assert cost.cpu_s_per_step == 3.0


def test_runs_of_two_rounds_are_pooled_and_the_time_between_them_is_not():
    later = marks((110.0, 5.0, 1.0, 0, 0.0), (112.0, 7.0, 2.0, 60, 0.0))
    earlier = marks((10.0, 5.0, 1.0, 0, 0.0), (14.0, 6.0, 4.0, 30, 0.0))
    cost = step_cost("ours", [earlier, later], warm_up=1, count=1)
    assert (cost.steps, cost.step_s_median, cost.tokens_per_cpu_s) == (2, 3.0, 30.0)


def test_a_ratio_above_one_means_that_ours_is_ahead():
    ours = step_cost("ours", [marks((0, 0, 0, 0, 0), (1.0, 2.0, 1.0, 100, 0))], warm_up=1, count=1)
    other = step_cost("other", [marks((0, 0, 0, 0, 0), (3.0, 4.0, 3.0, 150, 0))], warm_up=1, count=1)
    assert ratios(ours, other) == pytest.approx({"step_time": 3.0, "tokens_per_s": 2.0, "tokens_per_cpu_s": 100 / 75})


def test_a_run_that_ended_early_is_an_error():
    with pytest.raises(RunError, match="ours finished 5 steps, expected at least 6"):
        step_cost("ours", [RUN], warm_up=2, count=4)


def test_a_step_needs_the_end_of_the_one_before_it():
    with pytest.raises(RunError, match="at least one warm-up step"):
        step_cost("ours", [RUN], warm_up=0, count=3)
