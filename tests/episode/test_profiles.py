import pytest

from rl_router.episode.profiles import described, levels, price_level, skill_level, words
from rl_router.episode.world_task import WorldTask, strongest_call_usd


def test_a_level_of_skill_is_a_tenth():
    assert [skill_level(share) for share in (0.0, 0.09, 0.1, 0.55, 0.99, 1.0)] == [0, 0, 1, 5, 9, 9]


def test_a_level_of_price_is_a_step_on_a_logarithmic_scale():
    # 7 + 1.3 x log2: of a half 5.7, of an eighth 3.1, of a hundredth -1.6, of four times 9.6
    assert [price_level(usd, 1.0) for usd in (1.0, 0.5, 0.125, 0.01, 4.0)] == [7, 6, 3, 0, 9]
    assert price_level(0.0, 1.0) == 0


def test_words_are_in_order_and_have_no_space():
    price, fact, two_hop = words(["two_hop", "fact"])
    assert (price[0], fact[3], two_hop[9]) == ("price0", "fact3", "twohop9")
    assert len(price) == 10


def test_a_description_is_what_was_measured_on_training_questions():
    task = WorldTask(n_train=600, n_val=10, n_test=10).build()
    reference_usd = strongest_call_usd(task.pool, task.train)
    said = {s.name: levels(s.description) for s in described(task.pool, task.train, reference_usd).specs}
    assert said["wiki"]["fact"] == 9 and said["nano"]["fact"] <= 2
    assert said["titan"]["price"] == 7 and said["nano"]["price"] <= 1
    assert said["titan"]["units"] == 9 and 3 <= said["nano"]["units"] <= 6
    known = {word for scale in words({q.task for q in task.train}) for word in scale}
    assert all(set(s.description.split()) <= known for s in described(task.pool, task.train, reference_usd).specs)
    assert (
        WorldTask(n_train=600, n_val=10, n_test=10, describe=True).build().pool.spec("wiki").description.split()[0]
        == f"price{said['wiki']['price']}"
    )


@pytest.mark.parametrize("text", ["price3 units9 lists0", "price0"])
def test_a_profile_is_read_back(text):
    assert " ".join(f"{word}{level}" for word, level in levels(text).items()) == text
