"""Tuned transformers must read what a bag of words cannot show: which of two words comes first."""

import json
import shutil

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import CheckpointError
from rl_router.routers.features import make_features
from rl_router.routers.fine_tuned import Bert, CausalLm
from rl_router.routers.mlp import Mlp
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.router import load_router
from rl_router.routers.routerdc import RouterDc

QUICK = Schedule(learning_rate=3e-3, batch_size=32, max_epochs=12, patience=12)


def colour_comes_first(text):
    words = text.split()
    return min(i for i, word in enumerate(words) if word in ("red", "blue")) < min(
        i for i, word in enumerate(words) if word in ("round", "square")
    )


@pytest.fixture(scope="module")
def table(planted):
    """`first` is right where the colour comes before the shape, `second` where it does not."""
    frame = planted(lambda colour, shape: {"first": True, "second": False}, n=450).frame
    scores = [
        float(colour_comes_first(text) == (model == "first"))
        for text, model in zip(frame["query"], frame["model"], strict=True)
    ]
    return RoutingTable(frame.with_columns(score=pl.Series(scores)))


@pytest.mark.parametrize("kind", [Bert, CausalLm])
def test_word_order_is_read_and_a_bag_of_words_cannot(kind, table, routed, tmp_path):
    train = table.select(split="train")
    router = kind(max_tokens=8, training=QUICK).fit(train)
    assert routed(router, table) > 0.9
    router.save(tmp_path / "router")
    assert routed(load_router(tmp_path / "router"), table) == routed(router, table)
    if kind is Bert:
        bag = Mlp(features="lsa:16", training=Schedule(learning_rate=0.01, batch_size=32, max_epochs=10)).fit(train)
        assert routed(bag, table) < 0.65


def test_other_routers_tune_a_transformer_too(table, tmp_path):
    """RouterDC's own encoder is tuned; saved and loaded it scores the same, and it is no longer what it was."""
    short = Schedule(learning_rate=3e-3, batch_size=32, max_epochs=1)
    router = RouterDc(features="tune:tiny-encoder", width=8, training=short).fit(table.select(split="train"))
    queries = table.queries("test")[:20]
    router.save(tmp_path / "router")
    assert (load_router(tmp_path / "router").scores(queries) == router.scores(queries)).all()
    texts = [query.text for query in queries]
    untouched = make_features("tune:tiny-encoder", tunes=True).fit([query.text for query in table.queries("train")])
    assert abs(untouched(texts) - router.features_(texts)).max() > 1e-3


def test_a_pretrained_transformer_is_read_from_its_folder(table, tmp_path):
    """As a recipe names one: the router tuned from it starts from its weights and its words."""
    texts = [query.text for query in table.queries("train")]
    make_features("tune:tiny-encoder", tunes=True).fit(texts).tower.save(tmp_path / "pretrained")
    slow = Schedule(learning_rate=1e-9, batch_size=64, max_epochs=1, weight_decay=0.0)
    router = Bert(model=str(tmp_path / "pretrained"), training=slow).fit(table.select(split="train"))
    pretrained = make_features(f"tune:{tmp_path / 'pretrained'}", tunes=True).fit(texts)
    assert abs(router.features_(texts[:5]) - pretrained(texts[:5])).max() < 1e-4


def test_a_transformer_that_is_not_there_is_named(table, tmp_path):
    with pytest.raises(CheckpointError, match="no transformer can be read from .*nowhere"):
        Bert(model=str(tmp_path / "nowhere")).fit(table)


@pytest.fixture(scope="module")
def saved(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert") / "router"
    Bert(max_tokens=8, training=Schedule(batch_size=64, max_epochs=1)).fit(table.select(split="train")).save(folder)
    return folder


def remote_code(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": {"AutoModel": "m.M"}}))
    (folder / "m.py").write_text("raise SystemExit('ran')")


def link_outside(folder):
    outside = folder.parents[1] / "config.json"
    (folder / "config.json").rename(outside)
    (folder / "config.json").symlink_to(outside)


TAMPERING = {
    "code beside the weights": remote_code,
    "another width": lambda f: (f / "config.json").write_text(
        (f / "config.json").read_text().replace('"hidden_size": 64', '"hidden_size": 32')
    ),
    "weights cut in half": lambda f: (f / "model.safetensors").write_bytes(
        (f / "model.safetensors").read_bytes()[:999]
    ),
    "no weights": lambda f: (f / "model.safetensors").unlink(),
    "a pickle": lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
    "a link outside": lambda f: (
        (f / "config.json").rename(f.parents[1] / "c"),
        (f / "config.json").symlink_to(f.parents[1] / "c"),
    ),
    "its folder a link": lambda f: (f.rename(f.parents[1] / "elsewhere"), f.symlink_to(f.parents[1] / "elsewhere")),
    "no tokenizer": lambda f: (f / "tokenizer.json").unlink(),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_transformer_that_was_tampered_with_is_refused(saved, how, tmp_path):
    folder = tmp_path / "router"
    shutil.copytree(saved, folder)
    TAMPERING[how](folder / "features_")
    with pytest.raises(CheckpointError, match="is refused") as caught:
        load_router(folder)
    assert "\n" not in str(caught.value)


def test_a_padded_batch_is_read_like_its_texts_alone(saved, table):
    router = load_router(saved)
    texts = ["red", "red blue round square please draw", "unknown words only"]
    together = router.features_(texts)
    alone = [router.features_([text])[0] for text in texts]
    assert abs(together - alone).max() < 1e-5
