import asyncio

import pytest

from rl_router.episode import tags
from rl_router.episode.described import DescribedPool
from rl_router.episode.dialect import Opening
from rl_router.episode.environment import Environment, Limits
from rl_router.episode.rewards import Dial
from rl_router.errors import RecipeError
from rl_router.pool.spec import ModelSpec
from rl_router.types import Mode, Query

QUESTION = Query(query_id="q1", text="compute 3 + 4", answers=("7",), task="arithmetic")


def spec(name, description):
    return ModelSpec(name=name, input_usd_per_mtok=1.0, output_usd_per_mtok=1.0, description=description)


MODELS = (spec("mather", "dear arithmetic2"), spec("nano", "arithmetic2 <answer> it"))


@pytest.fixture
def codec(make_tokenizer):
    return DescribedPool(make_tokenizer(["<pad>", "<eos>", *tags.TAGS, tags.cost_weight_tag(0.5)]))


def opening(models=MODELS):
    return Opening(query=QUESTION, models=models, cost_weight=0.5, budget_usd=None, max_turns=1, mode=Mode.DECIDE)


def test_the_prompt_lists_the_models_of_the_sample_under_letters_in_their_order(codec):
    assert codec.decode(codec.opening(opening(), 300)) == (
        "<information> A.dear A.arithmetic2 B.arithmetic2 B.‹answer> B.it</information>"
        "<query> compute 3 + 4</query><cost_weight=0.5>"
    )
    turned = codec.decode(codec.opening(opening(MODELS[::-1]), 300))
    assert turned.startswith("<information> A.arithmetic2 A.‹answer> A.it B.dear B.arithmetic2</information>")


def test_a_letter_names_the_model_at_its_place_and_nothing_else_names_one(codec):
    assert [codec.named(word, MODELS) for word in ("A", "B", "C", "mather", "AB", "")] == [
        "mather", "nano", "C", "mather", "AB", "",
    ]  # fmt: skip


def test_a_question_that_does_not_fit_behind_the_list_loses_its_end(codec):
    assert not codec.cuts(opening(), 300)
    whole = len(codec.opening(opening(), 300))
    assert codec.cuts(opening(), whole - 2)
    assert len(codec.opening(opening(), whole - 2)) == whole - 2


def test_more_models_than_letters_are_refused(codec):
    with pytest.raises(RecipeError, match="9 models in one prompt"):
        codec.opening(opening([spec(f"m{i}", "") for i in range(9)]), 300)


def test_a_route_to_a_letter_asks_that_model(codec, make_task):
    task = make_task("7", mode=Mode.DECIDE)
    environment = Environment(
        task=task,
        codec=codec,
        reward=Dial(),
        limits=Limits(max_turns=1, max_prompt_tokens=300, max_response_tokens=200, max_turn_tokens=100),
        query=QUESTION,
        cost_weight=0.5,
        pool=task.pool.select(["mather", "nano"]),
    )
    turn = codec.encode("<think> dear arithmetic2</think><search> B: same</search>")
    asyncio.run(environment.step(turn))
    assert [call.model for call in environment.episode.calls] == ["nano"] and environment.episode.quality == 1.0
