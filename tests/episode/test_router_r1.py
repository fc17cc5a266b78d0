"""Router-R1's tags over a chat model: prompt, actions as text, replies inside the turn, and names that mean a model."""

import pytest

from rl_router.episode.dialect import Answer, Malformed, Route
from rl_router.episode.dialects import Tags
from rl_router.episode.instructions import CORRECTION
from rl_router.episode.limits import Limits
from rl_router.errors import RecipeError
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, ModelReply, Source, StopReason

ROOM = Limits(max_turns=3, max_prompt_tokens=4000, max_response_tokens=2000, max_turn_tokens=400, max_reply_tokens=120)
ASK = "<think>a sum</think>\n<search> mather: 3 + 4 </search>"
SAY = "<think>done</think>\n<answer> 7 </answer>"


@pytest.fixture
def environment_of(make_environment, tags_dialect):
    def make(task, **options):
        return make_environment(task, **({"codec": tags_dialect, "limits": ROOM} | options))

    return make


def test_a_route_and_an_answer_share_one_turn_of_the_assistant(make_task, environment_of, play):
    task = make_task("7")
    episode = play(environment_of(task), [ASK, SAY])
    assert [s.source for s in episode.segments] == [Source.PROMPT, Source.POLICY, Source.REPLY, Source.POLICY]
    assert episode.segments[0].text.endswith("compute 3 + 4<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")
    assert episode.text.endswith(f"{ASK}\n\n<information>7</information>\n\n{SAY}")
    assert (episode.stop, episode.answer, episode.quality) == (StopReason.ANSWERED, "7", 1.0)
    [request] = task.pool.backend.requests
    assert request.prompt == "3 + 4"
    [message] = request.messages
    assert message["content"].startswith("You help a smaller model") and message["content"].endswith("3 + 4\n")


def test_the_prompt_names_and_describes_the_models_with_their_prices(make_task, environment_of):
    text = environment_of(make_task(), cost_weight=None)._segments[0].text
    assert "one of [nano, mather]" in text
    assert "mather:\nNo description. $1 per million tokens in, $4 out." in text
    assert "do not talk about the tags" in text  # llama's rule
    assert "Cost weight" not in text


def test_tokens_behind_the_closing_tag_are_left_out_at_a_token_boundary(make_task, environment_of, play):
    codec = environment_of(make_task()).codec
    ids = codec.encode(SAY + " and then much more </answer>")
    kept = codec.kept(ids)
    text = codec.decode(ids[:kept])
    assert "</answer>" in text and text.startswith(SAY) and len(text) < len(SAY) + 3
    assert "</answer>" not in codec.decode(ids[: kept - 1])
    episode = play(environment_of(make_task()), [SAY + " and then much more </answer>"])
    assert (episode.answer, len(episode.segments[1].token_ids)) == ("7", kept)
    assert episode.metrics["policy_tokens"] == len(ids)  # sampled, so paid for


def test_a_failed_call_and_an_unknown_model_are_shown_as_router_r1_shows_them(make_task, environment_of, play):
    failed = ModelReply(model="mather", text="boom", status=CallStatus.TIMEOUT)
    episode = play(environment_of(make_task(failed)), [ASK, ASK.replace("mather", "gpt"), SAY])
    replies = [s.text for s in episode.segments if s.source is Source.REPLY]
    assert replies == ["\n\n<information>None</information>\n\n"] * 2
    assert episode.format_ok and episode.metrics["failed_calls"] == 2.0


def test_a_malformed_turn_is_told_so_goes_on_and_breaks_the_format(make_task, environment_of, play):
    episode = play(environment_of(make_task()), ["<think>hm</think> 7<|eot_id|>", SAY])
    assert episode.segments[2].text == f"\n{CORRECTION}\n"
    assert (episode.answer, episode.format_ok, episode.reward) == ("7", False, {"format": -1.0})


def test_the_last_turn_may_not_route(make_task, environment_of, play):
    episode = play(environment_of(make_task("8")), [ASK, ASK, ASK])
    assert (episode.stop, len(episode.calls)) == (StopReason.MAX_TURNS, 2)


def test_an_observation_is_at_most_as_long_as_allowed(make_task, environment_of, play):
    episode = play(environment_of(make_task("word " * 1000)), [ASK, SAY])
    shown = episode.segments[2]
    assert len(shown.token_ids) == ROOM.max_reply_tokens and shown.text.endswith("</information>\n\n")


ONE_THOUGHT = "expected one thought, <think> … </think>, before the action"


@pytest.mark.parametrize(
    ("turn", "action"),
    [
        (ASK, Route("mather", "3 + 4")),
        (SAY, Answer("7")),
        ("  <think>\nx\n</think>\n\n<search>Qwen2.5-7B:Who: a or b?</search>", Route("Qwen2.5-7B", "Who: a or b?")),
        ("<answer>7</answer>", Malformed(ONE_THOUGHT)),
        ("<think>x</think> so <answer>7</answer>", Malformed(ONE_THOUGHT)),
        ("<think>x</think><search>mather</search>", Malformed("expected 'NAME: QUERY' in <search>, came 'mather'")),
        ("<think>x</think><search>mather: </search>", Malformed("expected 'NAME: QUERY' in <search>, came 'mather: '")),
    ],
)  # fmt: skip
def test_turns_are_parsed(tags_dialect, turn, action):
    assert tags_dialect.parse(turn) == action


def test_a_name_means_a_model_by_its_letters_or_by_a_beginning_that_is_one_models_alone(tags_dialect):
    models = [
        ModelSpec(name=name, shown_as=shown, input_usd_per_mtok=0, output_usd_per_mtok=0)
        for name, shown in (
            ("qwen/qwen2.5-7b-instruct", "Qwen2.5-7B-Instruct"),
            ("meta/llama-3.1-8b-instruct", "LLaMA-3.1-8B-Instruct"),
            ("meta/llama-3.1-70b-instruct", "LLaMA-3.1-70B-Instruct"),
        )
    ]
    means = {
        "LLaMA-3.1-70B-Instruct": "meta/llama-3.1-70b-instruct",
        "llama-3.1-70b": "meta/llama-3.1-70b-instruct",
        "Qwen": "qwen/qwen2.5-7b-instruct",
        "qwen/qwen2.5-7b-instruct": "qwen/qwen2.5-7b-instruct",
        "LLaMA": "LLaMA",  # two models begin so
        "gpt": "gpt",
        "": "",
    }
    assert {written: tags_dialect.named(written, models) for written in means} == means


def test_a_prompt_of_ones_own_is_a_file_with_the_three_places(tmp_path, make_task, make_environment, chat_tokenizers):
    file = tmp_path / "prompt.txt"
    file.write_text("Models: {names}.\n{descriptions}\nQ: {question}\nGo.")
    dialect = Tags(prompt=str(file), worker_prompt="none").over(chat_tokenizers["qwen"])
    text = make_environment(make_task(), codec=dialect, limits=ROOM)._segments[0].text
    assert "Models: nano, mather." in text and "Q: compute 3 + 4\nGo.<|im_end|>" in text
    file.write_text("Q: {question}")
    with pytest.raises(RecipeError, match="lacks {names}, {descriptions}"):
        Tags(prompt=str(file))
    with pytest.raises(RecipeError, match="qwen, llama or a text file"):
        Tags(prompt="quen")
