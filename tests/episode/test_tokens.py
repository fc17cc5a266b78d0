import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from rl_router.episode import tags
from rl_router.episode.dialect import Opening
from rl_router.episode.tokens import TokenCodec
from rl_router.errors import CheckpointError
from rl_router.types import Mode, Query

PIECES = [
    *tags.TAGS,
    "<eos>",
    "<pad>",
    "<|im_end|>",
    "<cost_weight=0.5>",
    "<",
    "</",
    "<answ",
    "er>",
    "a",
    " ",
    "\ud800",
]
TAG_SOUP = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=5), max_size=20).map("".join)


def test_every_tag_is_one_token_and_generation_stops_on_three_of_them(codec):
    assert all(len(codec.encode(tag)) == 1 for tag in tags.TAGS)
    assert [codec.decode([i]) for i in codec.stop_ids] == ["</search>", "</answer>", "<eos>"]


def test_what_is_encoded_is_decoded_unchanged(codec):
    text = "<think> dear</think><search> mather: who is Ámos?  two  spaces .</search>"
    assert codec.decode(codec.encode(text)) == text


def test_a_prompt_is_its_rendered_text_in_ids(codec):
    ids = codec.prompt("who is the author of silver river", 0.5, 64)
    assert ids == codec.encode("<query> who is the author of silver river</query><cost_weight=0.5>")


def test_a_blind_prompt_ends_with_the_question(codec):
    assert codec.decode(codec.prompt("compute 3 + 4", None, 64)) == "<query> compute 3 + 4</query>"


def test_a_long_question_is_cut_at_its_end_and_keeps_its_tags(codec):
    ids = codec.prompt("mara " * 100, 0.5, 10)
    assert len(ids) == 10
    assert codec.decode(ids) == "<query>" + " mara" * 7 + "</query><cost_weight=0.5>"


def opening(text, cost_weight):
    query = Query(query_id="q", text=text, answers=(), task="t")
    return Opening(query=query, models=(), cost_weight=cost_weight, budget_usd=None, max_turns=4, mode=Mode.ORCHESTRATE)


def test_a_question_that_loses_its_end_is_known_as_cut(codec):
    questions = ["mara " * n + "mara" for n in (6, 7)]  # 7 and 8 tokens; three of ten are tags
    assert [len(codec.prompt(q, 0.5, 20)) for q in questions] == [10, 11]
    assert [codec.cuts(opening(q, 0.5), 10) for q in questions] == [False, True]
    assert [codec.cuts(opening(q, None), 10) for q in questions] == [False, False]  # a blind prompt has one tag less
    assert codec.cuts(opening("a" * 1_000_000, 0.5), 10) and not codec.cuts(opening("", 0.5), 10)


@settings(deadline=None)
@given(text=TAG_SOUP, max_tokens=st.integers(0, 30))
def test_a_prompt_that_shows_less_than_the_question_is_always_counted(codec, text, max_tokens):
    if codec.prompt(text, 0.5, max_tokens) != codec.prompt(text, 0.5, 1000):
        assert codec.cuts(opening(text, 0.5), max_tokens)


def test_a_reply_is_its_rendered_text_in_ids(codec):
    assert codec.reply("mara stone", 40) == codec.encode("<information> mara stone</information>")
    assert codec.decode(codec.reply("", 40)) == "<information> </information>"


def test_a_reply_is_cut_between_its_tags(codec):
    ids = codec.reply("mara stone " * 50, 6)
    assert len(ids) == 6
    assert codec.decode(ids) == "<information> mara stone mara stone</information>"


def test_a_control_token_of_the_tokenizer_itself_is_left_out_of_a_reply(codec):
    assert codec.decode(codec.reply("7<|im_end|>", 40)) == "<information> 7</information>"


@settings(deadline=None)
@given(text=TAG_SOUP, max_tokens=st.integers(0, 30))
def test_no_text_makes_a_control_token_or_too_many_tokens(codec, text, max_tokens):
    ids = codec.plain(text, max_tokens)
    assert len(ids) <= max_tokens
    assert not set(ids) & set(codec.tokenizer.all_special_ids)
    assert not set(ids) & set(codec.tokenizer.get_added_vocab().values())


@pytest.mark.parametrize("piece", ["a", "<answer>", "<", " ", "é", "\x00", "</information>"])
def test_a_reply_of_a_million_characters_is_encoded_in_no_time(codec, piece):
    text = piece * (1_000_000 // len(piece))
    started_s = time.perf_counter()
    ids = codec.reply(text, 64)
    assert time.perf_counter() - started_s < 0.5
    assert len(ids) <= 64


def test_a_policy_refuses_a_cost_weight_that_it_has_no_token_for(codec):
    assert codec.cost_weights == (0.0, 0.5, 2.0)
    with pytest.raises(CheckpointError, match="knows the cost weights 0, 0.5, 2, not 0.3"):
        codec.prompt("compute 3 + 4", 0.3, 64)


def test_a_tokenizer_without_cost_weight_tokens_spells_any_of_them(make_tokenizer):
    codec = TokenCodec(make_tokenizer(["<pad>", "<eos>", *tags.TAGS]))
    assert codec.cost_weights == ()
    assert codec.decode(codec.prompt("hi", 0.3, 64)) == "<query> hi</query><cost_weight=0.3>"


def test_a_tokenizer_without_one_of_the_tags_is_refused(make_tokenizer):
    most = [tag for tag in tags.TAGS if tag != "</search>"]
    with pytest.raises(CheckpointError, match="</search> as one token"):
        TokenCodec(make_tokenizer(["<pad>", "<eos>", *most]))


def test_a_tokenizer_without_an_end_token_is_refused(make_tokenizer):
    tokenizer = make_tokenizer(["<pad>", "<eos>", *tags.TAGS])
    tokenizer.eos_token = None
    with pytest.raises(CheckpointError, match="end-of-text"):
        TokenCodec(tokenizer)


def word_tokenizer(words, **specials_by_role):
    vocab = {word: i for i, word in enumerate(["<unk>", "<eos>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    specials = [word for word in words if word.startswith("<")]
    roles = {"unk_token": "<unk>", "eos_token": "<eos>"} | specials_by_role
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, additional_special_tokens=specials, **roles)


def test_an_unknown_word_stays_in_a_reply_as_the_unknown_token():
    codec = TokenCodec(word_tokenizer([*tags.TAGS, "mara"]))
    assert codec.decode(codec.reply("mara stone", 8)) == "<information> mara <unk> </information>"


@pytest.mark.parametrize("roles", [{"eos_token": "<unk>"}, {"pad_token": "<unk>"}])
def test_an_unknown_word_is_left_out_where_its_token_ends_or_pads_a_text(roles):
    codec = TokenCodec(word_tokenizer([*tags.TAGS, "mara"], **roles))
    assert codec.decode(codec.reply("mara stone", 8)) == "<information> mara </information>"


def test_a_tag_that_is_only_the_unknown_token_is_refused():
    with pytest.raises(CheckpointError, match="<think> as one token"):
        TokenCodec(word_tokenizer([tag for tag in tags.TAGS if tag != "<think>"]))


def test_a_policy_trained_on_budgets_is_told_its_budget(make_tokenizer):
    budgets = [tags.cost_weight_tag(usd, budget=True) for usd in (5e-5, 0.0012)]
    codec = TokenCodec(make_tokenizer(["<pad>", "<eos>", *tags.TAGS, *budgets]))
    assert codec.cost_weights == (5e-5, 0.0012)
    assert codec.decode(codec.prompt("compute 3 + 4", 5e-5, 64)) == "<query> compute 3 + 4</query><budget_usd=5e-05>"
    with pytest.raises(CheckpointError, match=r"knows the budgets 5e-05, 0\.0012, not 1"):
        codec.prompt("compute 3 + 4", 1.0, 64)
    assert "<budget_usd" not in codec.decode(codec.reply("spend <budget_usd=0.0012> on it", 60))
