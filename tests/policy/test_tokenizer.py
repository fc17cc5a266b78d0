"""The trained tokenizer: every tag one token, digits apart, any text and back, and the same one when read again."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.episode.tokens import TokenCodec
from rl_router.errors import CheckpointError
from rl_router.policy.config import TinyPolicy
from rl_router.policy.tiny import build_tiny
from rl_router.policy.tokenizer import load_tokenizer

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def ids_of(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def text_of(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


@pytest.fixture(scope="module")
def reloaded(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    build_tiny(TinyPolicy(), tokenizer, seed=0).config.save_pretrained(folder)
    return load_tokenizer(folder)


def test_every_tag_and_cost_weight_is_one_token(tokenizer):
    codec = TokenCodec(tokenizer)  # refuses a tokenizer in which a tag is not
    assert codec.cost_weights == (0.0, 0.5, 2.0)
    assert len(ids_of(tokenizer, "<query> x</query><cost_weight=0.5>")) == 4


def test_each_digit_is_a_token(tokenizer):
    tokens = [text_of(tokenizer, [i]) for i in ids_of(tokenizer, "compute 1204 + 57")]
    assert [t for t in tokens if any(c.isdigit() for c in t)] == list("120457")


@given(TEXT)
def test_any_text_comes_back_in_its_composed_form(tokenizer, text):
    assert text_of(tokenizer, ids_of(tokenizer, text)) == unicodedata.normalize("NFC", text)


@given(TEXT)
def test_the_saved_tokenizer_is_the_one_in_memory(tokenizer, reloaded, text):
    assert ids_of(reloaded, text) == ids_of(tokenizer, text)


def test_reading_it_back_adds_no_token_that_the_model_has_no_row_for(tokenizer, reloaded):
    assert reloaded.get_vocab() == tokenizer.get_vocab()
    rows = build_tiny(TinyPolicy(), tokenizer, seed=0).get_input_embeddings().num_embeddings
    assert max(reloaded.get_vocab().values()) < rows
    assert (reloaded.pad_token_id, reloaded.eos_token_id) == (tokenizer.pad_token_id, tokenizer.eos_token_id)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_tokenizer_of_which_a_file_is_cut_or_missing_is_refused(tokenizer, tmp_path, name, cut):
    tokenizer.save_pretrained(tmp_path)
    build_tiny(TinyPolicy(), tokenizer, seed=0).config.save_pretrained(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if cut:
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="copy it again"):
        load_tokenizer(tmp_path)
