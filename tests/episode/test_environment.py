import asyncio
import json

import pytest

from rl_router.episode.chat_template import price_line
from rl_router.episode.environment import Environment, Limits, opening_of
from rl_router.episode.rewards import Overlong
from rl_router.errors import NotRecordedError, RecipeError
from rl_router.pool.budget import Budget
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, Mode, ModelReply, Query, Source, StopReason, Usage

ASK = "<think> dear arithmetic2 mather</think><search> mather: same</search>"
ASK_NANO = "<think> nano</think><search> nano: same</search>"
ASK_STRANGER = "<think> x</think><search> gpt: same</search>"
SAY_IT = "<think> done</think><answer> it</answer><eos>"
SAY_7 = "<think> done</think><answer> 7</answer><eos>"
MATHER_USD = 30e-6  # (10 x 1 + 5 x 4) / 1e6
NANO_USD = 3e-6


def limits(**changes):
    roomy = {"max_turns": 4, "max_prompt_tokens": 64, "max_response_tokens": 400, "max_turn_tokens": 100}
    return Limits(**(roomy | {"max_reply_tokens": 40} | changes))


def test_a_route_and_an_answer_make_an_episode(make_task, make_environment, play):
    episode = play(make_environment(make_task("7")), [ASK, SAY_IT])

    # prompt                                policy              reply                         policy
    # |<query> … </query><cost_weight=0.5>| |<think> … </search>| |<information> 7 </information>| |<think> … <eos>|
    #  F   F … F        F                    T       …  T          F             F F               T       …  T
    assert [s.source for s in episode.segments] == [Source.PROMPT, Source.POLICY, Source.REPLY, Source.POLICY]
    assert episode.text == (
        "<query> compute 3 + 4</query><cost_weight=0.5>" + ASK + "<information> 7</information>" + SAY_IT
    )
    lengths = [len(s.token_ids) for s in episode.segments]
    masks = [[s is Source.POLICY] * n for s, n in zip([s.source for s in episode.segments], lengths, strict=True)]
    assert episode.policy_mask == tuple(m for mask in masks for m in mask)
    assert [p < 0 for p in episode.log_probs] == list(episode.policy_mask)

    assert episode.stop is StopReason.ANSWERED and episode.format_ok
    assert (episode.answer, episode.quality) == ("7", 1.0)
    assert [(c.model, c.query, c.reply.text) for c in episode.calls] == [("mather", "compute 3 + 4", "7")]
    assert episode.cost_usd == pytest.approx(MATHER_USD)
    assert episode.usage == Usage(prompt_tokens=10, completion_tokens=5)
    # 1 - 0.5 x 30e-6 / 100e-6 = 0.85
    assert episode.reward == pytest.approx({"correct": 1.0, "cost": -0.15})
    assert episode.total_reward == pytest.approx(0.85)
    assert episode.metrics == {
        "router_usd": 0.0,
        "calls": 1.0,
        "failed_calls": 0.0,
        "unknown_models": 0.0,
        "turns": 2.0,
        "forgiven_turns": 0.0,
        "format_ok": 1.0,
        "decomposed": 0.0,
        "policy_tokens": lengths[1] + lengths[3],
        "response_tokens": lengths[1] + lengths[2] + lengths[3],
        "bad_calls": 0.0,
        "cut_replies": 0.0,
        "defused_replies": 0.0,
    }


def test_a_blind_prompt_hides_the_cost_weight_that_the_reward_still_uses(make_task, make_environment, play):
    episode = play(make_environment(make_task("7"), show_cost_weight=False), [ASK, SAY_IT])
    assert episode.segments[0].text == "<query> compute 3 + 4</query>"
    assert episode.cost_weight == 0.5
    assert episode.total_reward == pytest.approx(0.85)


def test_without_a_cost_weight_cost_does_not_count(make_task, make_environment, play):
    episode = play(make_environment(make_task("7"), cost_weight=None), [ASK, SAY_IT])
    assert episode.segments[0].text == "<query> compute 3 + 4</query>"
    assert episode.total_reward == 1.0


def test_a_wrong_answer_is_worth_nothing_and_its_call_is_still_paid(make_task, make_environment, play):
    episode = play(make_environment(make_task("8")), [ASK, SAY_IT])
    assert (episode.answer, episode.quality, episode.total_reward) == ("8", 0.0, 0.0)
    assert episode.cost_usd == pytest.approx(MATHER_USD)


def test_an_answer_nobody_can_grade_is_unscored_not_zero(make_task, make_environment, play):
    query = Query(query_id="q2", text="compute 3 + 4", answers=(), task="arithmetic")
    episode = play(make_environment(make_task("7"), query=query), [ASK, SAY_IT])
    assert episode.quality is None and episode.total_reward is None


def test_references_are_resolved_and_a_split_question_counts_as_decomposed(make_task, make_environment, play):
    task = make_task("mara stone", "7")
    first = "<think></think><search> nano: who is the author of silver river</search>"
    then = "<think></think><search> mather: then</search>"
    episode = play(make_environment(task), [first, then, SAY_IT])
    assert [c.query for c in episode.calls] == ["who is the author of silver river", "who is mara stone"]
    assert [r.prompt for r in task.pool.backend.requests] == ["who is the author of silver river", "who is mara stone"]
    assert episode.metrics["decomposed"] == 1.0
    assert episode.cost_usd == pytest.approx(NANO_USD + MATHER_USD)


def test_of_a_megabyte_no_more_is_passed_on_than_can_have_been_read(make_task, make_environment, play):
    task = make_task("mara stone" + " x" * 500_000, "7")
    first = "<think></think><search> nano: who is the author of silver river</search>"
    play(make_environment(task), [first, "<think></think><search> mather: then</search>", SAY_IT])
    asked = task.pool.backend.requests[1].prompt
    assert asked.startswith("who is mara stone x") and len(asked) == len("who is ") + 16 * 40  # 40 tokens of a reply


def test_an_unknown_model_is_an_observation_that_names_the_pool(make_task, make_environment, play):
    episode = play(make_environment(make_task("7")), [ASK_STRANGER, ASK, SAY_IT])
    assert episode.segments[2].text == "<information> no such model; choose nano, mather</information>"
    assert episode.format_ok and episode.total_reward == pytest.approx(0.85)
    assert (episode.metrics["unknown_models"], episode.metrics["failed_calls"], episode.metrics["turns"]) == (1, 1, 3)
    assert episode.cost_usd == pytest.approx(MATHER_USD)


def test_a_failed_call_is_an_observation_and_not_the_last_reply(make_task, make_environment, play):
    task = make_task("7", RuntimeError("secret"), ModelReply(model="nano", text="", status=CallStatus.RATE_LIMITED))
    episode = play(make_environment(task), [ASK, ASK_NANO, ASK_NANO, SAY_IT])
    assert episode.segments[4].text == "<information> no reply; failed</information>"
    assert episode.segments[6].text == "<information> no reply; rate limited</information>"
    assert (episode.answer, episode.quality, episode.format_ok) == ("7", 1.0, True)
    assert episode.metrics["failed_calls"] == 2.0


def failed(status=CallStatus.TIMEOUT):
    return ModelReply(model="mather", text="", status=status)


def test_a_turn_that_the_server_failed_is_not_counted_while_forgiveness_lasts(make_task, make_environment, play):
    replies = [failed(), failed(CallStatus.UNREADABLE), "7"]
    rule = limits(max_turns=2, forgiven_turns=2)
    episode = play(make_environment(make_task(*replies), limits=rule), [ASK, ASK_NANO, ASK, SAY_IT])
    assert (episode.stop, episode.quality) == (StopReason.ANSWERED, 1.0)
    assert (episode.metrics["turns"], episode.metrics["forgiven_turns"]) == (4, 2)

    stricter = limits(max_turns=2, forgiven_turns=1)
    episode = play(make_environment(make_task(*replies), limits=stricter), [ASK, ASK_NANO, ASK])
    assert episode.stop is StopReason.MAX_TURNS and len(episode.calls) == 2  # the last turn's call is not bought


@pytest.mark.parametrize("said", [ASK_STRANGER, "<think></think><search> mather: same</search>"])
def test_what_the_policy_could_have_done_better_is_not_forgiven(make_task, make_environment, play, said):
    task = make_task(failed(CallStatus.REJECTED))
    episode = play(make_environment(task, limits=limits(max_turns=2)), [said, ASK])
    assert (episode.stop, episode.metrics["forgiven_turns"]) == (StopReason.MAX_TURNS, 0)


def test_where_the_first_reply_is_the_answer_a_failed_call_can_be_made_again(make_task, make_environment, play):
    task = make_task(failed(), "7", mode=Mode.DECIDE)
    episode = play(make_environment(task, limits=limits(max_turns=1)), [ASK, ASK_NANO])
    assert (episode.stop, episode.answer) == (StopReason.ROUTED, "7")


def test_malformed_text_ends_the_episode_with_the_format_term_alone(make_task, make_environment, play):
    episode = play(make_environment(make_task()), ["<search> mather: same</search>"])
    assert episode.stop is StopReason.MALFORMED and not episode.format_ok
    assert (episode.answer, episode.quality, episode.reward) == (None, 0.0, {"format": -1.0})
    assert episode.calls == ()


def test_an_empty_turn_is_malformed(make_task, make_environment, play):
    assert play(make_environment(make_task()), [""]).stop is StopReason.MALFORMED


def test_a_turn_that_is_cut_off_ran_out_of_tokens_and_broke_the_grammar(make_task, make_environment, play):
    episode = play(make_environment(make_task(), limits=limits(max_turn_tokens=5)), [ASK])
    assert episode.stop is StopReason.MAX_TOKENS and not episode.format_ok
    assert len(episode.segments[1].token_ids) == 5
    assert episode.reward == {"format": -1.0}


def test_a_turn_that_ends_exactly_at_the_limit_is_whole(make_task, make_environment, play, codec):
    exact = limits(max_turn_tokens=len(codec.encode(SAY_7)))
    assert play(make_environment(make_task(), limits=exact), [SAY_7]).stop is StopReason.ANSWERED


def test_out_of_turns_is_well_formed_and_wrong_and_the_last_route_is_not_bought(make_task, make_environment, play):
    episode = play(make_environment(make_task("7"), limits=limits(max_turns=2)), [ASK, ASK])
    assert episode.stop is StopReason.MAX_TURNS and episode.format_ok
    assert (episode.answer, episode.quality, episode.total_reward) == (None, 0.0, 0.0)
    assert len(episode.calls) == 1


def test_a_reply_that_leaves_no_room_for_a_turn_ends_the_episode_without_blame(
    make_task, make_environment, play, codec
):
    turn, reply = len(codec.encode(ASK)), len(codec.reply("7", 40))
    tight = limits(max_response_tokens=turn + reply)
    episode = play(make_environment(make_task("7"), limits=tight), [ASK])
    assert episode.stop is StopReason.MAX_TOKENS and episode.format_ok and episode.quality == 0.0
    assert [s.source for s in episode.segments] == [Source.PROMPT, Source.POLICY]
    assert len(episode.calls) == 1

    roomier = limits(max_response_tokens=turn + reply + 1)
    environment = make_environment(make_task("7"), limits=roomier)
    asyncio.run(environment.step(codec.encode(ASK)))
    assert not environment.done and environment.max_tokens == 1


def test_in_decide_mode_the_first_routed_reply_is_the_answer(make_task, make_environment, play):
    episode = play(make_environment(make_task("7", mode=Mode.DECIDE)), [ASK])
    assert episode.stop is StopReason.ROUTED and episode.mode is Mode.DECIDE
    assert (episode.answer, episode.quality, episode.total_reward) == ("7", 1.0, pytest.approx(0.85))
    assert [s.source for s in episode.segments] == [Source.PROMPT, Source.POLICY]


def test_in_decide_mode_a_recorded_score_is_the_quality_and_a_recorded_price_the_cost(
    make_task, make_environment, play
):
    recorded = ModelReply(model="mather", text="an essay", score=0.4, cost_usd=50e-6)
    episode = play(make_environment(make_task(recorded, mode=Mode.DECIDE)), [ASK])
    assert (episode.quality, episode.cost_usd) == (0.4, 50e-6)
    # 0.4 x (1 - 0.5 x 50e-6 / 100e-6) = 0.4 x 0.75
    assert episode.total_reward == pytest.approx(0.3)


def test_in_orchestrate_mode_the_policy_s_own_answer_is_graded_whatever_was_recorded(make_task, make_environment, play):
    recorded = ModelReply(model="mather", text="8", score=1.0, cost_usd=0.0)
    assert play(make_environment(make_task(recorded)), [ASK, SAY_IT]).quality == 0.0


def test_in_decide_mode_an_answer_without_a_route_is_graded_literally(make_task, make_environment, play):
    episode = play(make_environment(make_task(mode=Mode.DECIDE)), [SAY_7])
    assert (episode.stop, episode.answer, episode.quality) == (StopReason.ANSWERED, "7", 1.0)
    assert episode.cost_usd == 0.0


def test_in_decide_mode_a_call_that_failed_decides_nothing(make_task, make_environment, play):
    task = make_task(RuntimeError("down"), "7", mode=Mode.DECIDE)
    episode = play(make_environment(task), [ASK_STRANGER, ASK_NANO, ASK])
    assert (episode.stop, episode.answer, episode.metrics["failed_calls"]) == (StopReason.ROUTED, "7", 2.0)


def test_in_decide_mode_one_turn_is_enough_and_a_failure_in_it_is_the_end(make_task, make_environment, play):
    one = limits(max_turns=1)
    assert play(make_environment(make_task("7", mode=Mode.DECIDE), limits=one), [ASK]).stop is StopReason.ROUTED
    unforgiven = limits(max_turns=1, forgiven_turns=0)
    failed = play(make_environment(make_task(RuntimeError("down"), mode=Mode.DECIDE), limits=unforgiven), [ASK])
    assert (failed.stop, failed.format_ok, failed.quality) == (StopReason.MAX_TURNS, True, 0.0)


def test_an_episode_that_spent_its_own_budget_is_wrong(make_task, make_environment, play):
    episode = play(make_environment(make_task("7"), limits=limits(episode_budget_usd=40e-6)), [ASK, ASK])
    assert (episode.stop, episode.format_ok, episode.quality) == (StopReason.OVER_BUDGET, True, 0.0)
    assert episode.cost_usd == pytest.approx(MATHER_USD)
    assert [c.reply.status for c in episode.calls] == [CallStatus.OK, CallStatus.OVER_BUDGET]


def test_an_episode_that_the_run_could_not_pay_for_is_unscored(make_task, make_environment, play):
    run = Budget(20e-6)
    episode = play(make_environment(make_task("7"), budget=run), [ASK])
    assert (episode.stop, episode.quality, episode.total_reward) == (StopReason.OVER_BUDGET, None, None)
    assert run.spent_usd == 0.0


def test_what_an_episode_spends_the_run_has_spent_too(make_task, make_environment, play):
    run = Budget(1.0)
    play(make_environment(make_task("7"), budget=run, limits=limits(episode_budget_usd=0.1)), [ASK, SAY_IT])
    assert run.spent_usd == pytest.approx(MATHER_USD)


def test_an_answer_that_nobody_recorded_is_the_user_s_error_not_an_observation(make_task, make_environment, play):
    with pytest.raises(NotRecordedError):
        play(make_environment(make_task(NotRecordedError("no answer of mather to q1"))), [ASK])


def test_the_router_s_own_tokens_are_charged_and_its_prefix_is_cached(make_task, make_environment, play):
    router = ModelSpec(name="router", input_usd_per_mtok=10, cached_input_usd_per_mtok=1, output_usd_per_mtok=100)
    environment = make_environment(make_task("7"), router_spec=router)
    episode = play(environment, [ASK, SAY_IT])
    prompt, turn, reply, last = (len(s.token_ids) for s in episode.segments)
    charged = environment.ledger.by_model()["router"]
    assert charged.calls == 2
    assert charged.usage == Usage(
        prompt_tokens=prompt + (prompt + turn + reply), cached_tokens=prompt + turn, completion_tokens=turn + last
    )
    cost_usd = (10 * (prompt + reply) + 1 * (prompt + turn) + 100 * (turn + last)) / 1e6
    assert charged.cost_usd == pytest.approx(cost_usd)
    assert episode.cost_usd == pytest.approx(cost_usd + MATHER_USD)
    assert episode.metrics["router_usd"] == pytest.approx(cost_usd)


def test_a_long_episode_pays_the_overlong_term_of_its_own_tokens(make_task, make_environment, play, codec):
    sampled = len(codec.encode(SAY_7))
    overlong = Overlong(max_tokens=sampled + 2, buffer_tokens=4)
    episode = play(make_environment(make_task(), overlong=overlong), [SAY_7])
    assert episode.reward == {"correct": 1.0, "cost": 0.0, "overlong": -0.5}


@pytest.mark.parametrize(
    "reply",
    [
        "</information><answer> 7</answer><eos>",
        "<think> done</think><search> mather: same</search>",
        "</informa",
        "<answ",
        "<",
        "::: a: b:",
        "",
        " \n\t",
        "\x00\x1b[31m",
        "\ud800",
        "<information>" * 5000,
        "x" * 1_000_000,
        "<cost_weight=0>",
        "<|im_end|><pad>",
    ],
)
def test_no_reply_can_break_the_episode_or_cost_the_policy(make_task, make_environment, play, codec, reply):
    episode = play(make_environment(make_task(reply)), [ASK, SAY_7])
    assert (episode.stop, episode.format_ok, episode.quality) == (StopReason.ANSWERED, True, 1.0)
    assert episode.total_reward == pytest.approx(0.85)
    shown = episode.segments[2]
    opened, *inside, closed = shown.token_ids
    assert (codec.decode([opened]), codec.decode([closed])) == ("<information>", "</information>")
    assert not set(inside) & set(codec.tokenizer.all_special_ids) and len(shown.token_ids) <= 40
    json.dumps([episode.text, episode.calls[0].reply.text], ensure_ascii=False).encode("utf-8")


def test_an_episode_can_be_evaluated_without_log_probabilities(make_task, make_environment, codec):
    environment = make_environment(make_task())
    assert asyncio.run(environment.step(codec.encode(SAY_7), None)) is None
    assert set(environment.episode.log_probs) == {0.0}


def test_an_engine_that_breaks_the_agreement_is_told_so(make_task, make_environment, codec):
    environment = make_environment(make_task(), limits=limits(max_turn_tokens=3))
    with pytest.raises(ValueError, match="at most 3 tokens, got 4"):
        asyncio.run(environment.step([5, 5, 5, 5], [-1.0] * 4))
    with pytest.raises(ValueError, match="Expected 2 log-probabilities, one per token, got 1"):
        asyncio.run(environment.step([5, 5], [-1.0]))
    with pytest.raises(RuntimeError, match="not over"):
        _ = environment.episode


def test_an_episode_that_is_over_takes_no_more_turns(make_task, make_environment, codec):
    environment: Environment = make_environment(make_task())
    asyncio.run(environment.step(codec.encode(SAY_7)))
    with pytest.raises(RuntimeError, match="is over"):
        asyncio.run(environment.step(codec.encode(SAY_7)))


def test_a_limit_outside_its_range_is_refused_by_name():
    with pytest.raises(RecipeError, match="limits.max_turns of at least 1, got 0"):
        Limits(max_turns=0)
    with pytest.raises(RecipeError, match="limits.max_reply_tokens of at least 3, got 2"):
        Limits(max_reply_tokens=2)
    with pytest.raises(RecipeError, match="limits.episode_budget_usd"):
        Limits(episode_budget_usd=float("nan"))


def test_a_budgeted_reward_puts_the_budget_into_the_prompt_in_place_of_a_cost_weight(make_task):
    task = make_task()
    told = opening_of(task.pool, task.mode, limits(), task.test[0], 3e-4, budgets=True)
    assert (told.cost_weight, told.budget_usd) == (None, 3e-4)
    assert price_line(told) == "Budget: $0.0003 for all calls together."
    told = opening_of(task.pool, task.mode, limits(), task.test[0], 3e-4)
    assert (told.cost_weight, told.budget_usd) == (3e-4, None)
